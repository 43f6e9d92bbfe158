"""The `[calendar]` table: when people are there to answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from gateway.config.errors import Finding, refusal
from gateway.config.types import Table
from scheduler.calendar import Calendar

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


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _free(holidays: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [
        Finding((index,), said)
        for index, holiday in enumerate(holidays)
        if (said := _calendar_error(_WEEK, holiday))
    ]
    if wrong:
        raise refusal(wrong)
    return holidays


def _calendar_error(hours: Mapping[str, Sequence[str]], holidays: str = "") -> str:
    try:
        Calendar.build("UTC", hours, holidays)
    except ValueError as error:
        return str(error)
    return ""


def _times(text: Any) -> Any:
    """`"21:00-08:00"` as wall times since midnight; over midnight is what quiet hours do."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)", str(text))
    if not found:
        raise ValueError(f'"{text}" must be two times of day such as "21:00-08:00"')
    hour, minute, end_hour, end_minute = map(int, found.groups())
    return (
        timedelta(hours=hour, minutes=minute),
        timedelta(hours=end_hour, minutes=end_minute),
    )


Quiet = tuple[timedelta, timedelta]


class Opening(Table):
    """When people are there to answer."""

    hours: Annotated[dict[str, tuple[str, ...]], AfterValidator(_week)] = Field(
        {"mon-fri": ("09:00-12:00", "13:00-18:00")},
        description='Opening hours by day, such as `{ mon-fri = ["09:00-18:00"], sat = [] }`.',
    )
    holidays: Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_free)] = Field(
        (),
        description='A country or region ("JP", "DE-BY"), or a list of these and of days on which '
        'you are closed: "2026-12-29" once, "12-29" every year.',
    )
    quiet: Annotated[Quiet | None, PlainValidator(_times)] = Field(
        None,
        description="Between which times of day customers get no follow-up; it waits until then.",
        examples=['quiet = "21:00-08:00"'],
    )
