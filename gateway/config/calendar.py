"""The `[calendar]` table: when people are there to answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, model_validator

from gateway.config.errors import Finding, refusal
from gateway.config.types import Table, Zone, listed
from gateway.team.calendars import Quiet, Times
from scheduler.calendar import Calendar
from scheduler.written import closed_day, special_day

_WEEK = {"mon-sun": ("00:00-24:00",)}


def _week(hours: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Try each entry alone, so that each gets its own error, and then all together."""
    wrong = [
        Finding((days,), said)
        for days, spans in hours.items()
        if (said := _calendar_error({days: spans or ("00:00-24:00",)}))
    ]
    if wrong:
        raise refusal(wrong)
    if said := _calendar_error(hours):
        raise ValueError(said)
    return hours


def _free(holidays: tuple[str, ...]) -> tuple[str, ...]:
    return _each(holidays, lambda holiday: Calendar.build("UTC", _WEEK, holiday))


def _days(days: tuple[str, ...]) -> tuple[str, ...]:
    return _each(days, closed_day)


def _special(days: tuple[str, ...]) -> tuple[str, ...]:
    return _each(days, special_day)


def _each(days: tuple[str, ...], read: Callable[[str], object]) -> tuple[str, ...]:
    """Try each entry, so that each gets its own error."""
    wrong = [
        Finding((index,), said) for index, day in enumerate(days) if (said := _error(read, day))
    ]
    if wrong:
        raise refusal(wrong)
    return days


def _calendar_error(hours: Mapping[str, Sequence[str]], opened: Sequence[str] = ()) -> str:
    return _error(Calendar.build, "UTC", hours, "", opened)


def _error(read: Callable[..., object], *given: object) -> str:
    try:
        read(*given)
    except ValueError as error:
        return str(error)
    return ""


def _times(text: Any) -> Any:
    """`"21:00-08:00"` as wall times since midnight; over midnight is what quiet hours do."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)", str(text))
    if not found:
        raise ValueError(f'"{text}" must be two times of day such as "21:00-08:00"')
    hour, minute, end_hour, end_minute = map(int, found.groups())
    start, end = (
        timedelta(hours=hour, minutes=minute),
        timedelta(hours=end_hour, minutes=end_minute),
    )
    if start == end:
        raise ValueError(
            f'"{text}" is the whole day, so that no follow-up would ever go out; write two times'
            ' that differ, such as "21:00-08:00", or leave the key out'
        )
    return start, end


class Opening(Table):
    """When people are there to answer."""

    hours: Annotated[dict[str, tuple[str, ...]], AfterValidator(_week)] = Field(
        {"mon-fri": ("09:00-12:00", "13:00-18:00")},
        description='Opening hours by day, such as `{ mon-fri = ["09:00-18:00"], sat = [] }`.',
    )
    holidays: Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(_free)] = Field(
        (),
        description='A country or region ("JP", "DE-BY"), or a list of these and of days on which '
        'you are closed: "2026-12-29" once, "12-29" every year.',
    )
    closed: Annotated[tuple[str, ...], AfterValidator(_days)] = Field(
        (), description='Days on which you are closed: "2026-12-29" once, "12-29" every year.'
    )
    open: Annotated[tuple[str, ...], AfterValidator(_special)] = Field(
        (),
        description="Days on which you open although you would be closed, or at other hours: "
        '"2026-11-23" as on its weekday, "2026-12-29 10:00-15:00" as it says; a day may stand '
        "several times, with a span each.",
    )
    quiet: Annotated[Quiet | None, PlainValidator(_times)] = Field(
        None,
        description="Between which times of day customers get no follow-up; it waits until then.",
        examples=['quiet = "21:00-08:00"'],
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Days by hand say one thing each, and have hours."""
        whole_days = {day[:10] for day in self.open}
        wrong = [
            Finding(("closed", index), f'"{day}" stands in open too; keep one of the two')
            for index, day in enumerate(self.closed)
            if day in whole_days
        ]
        for index, day in enumerate(self.open):
            together = [other for other in self.open if other[:10] == day[:10]]
            if index == self.open.index(together[0]):
                said = _calendar_error(self.hours, opened=together)
                wrong += [Finding(("open", index), said)] if said else []
        if wrong:
            raise refusal(wrong)
        return self

    def times(self, timezone: str) -> Times:
        """As the rules count by it."""
        holidays = (*self.holidays, *self.closed)
        return Times(Calendar.build(timezone, self.hours, holidays, self.open), self.quiet)


class NamedOpening(Opening):
    """Other opening hours for some: a channel, a `[[route]]` or a `[[follow_up]]` names them."""

    name: str = Field(
        min_length=1, description="What `calendar = …` says.", examples=['name = "shop"']
    )
    timezone: Zone | None = Field(
        None, description="Where these hours count. Unset: `gateway.timezone`."
    )
