"""How a day and an hour are said to a customer, in the words of one language's `dates.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from pathlib import Path
from string import Formatter
from typing import Any, Final

from scheduler.calendar import ClosedDay

_HALF_HOUR: Final = timedelta(minutes=30)
_DAY: Final = timedelta(days=1)
# Beyond that a day and a month may be mistaken for those of this year.
_OTHER_YEAR: Final = timedelta(days=300)

_LISTS: Final = {"weekdays": 7, "months": 12, "am_pm": 2}
_DATE: Final = frozenset({"year", "month", "day", "weekday"})
_CLOCK: Final = frozenset({"hour", "hour12", "minute", "am_pm"})
_NAMES: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(
        ("this_month", "other_month", "other_year", "past_this_month", "past_other_month"), _DATE
    ),
    **dict.fromkeys(("holiday_weekday", "holiday_weekday_short"), frozenset({"weekday"})),
    **dict.fromkeys(("holiday", "end_of_day"), frozenset({"date"})),
    **dict.fromkeys(("hour", "minutes"), _CLOCK),
    **dict.fromkeys(("noon", "end_of_today"), frozenset[str]()),
    **dict.fromkeys(("today", "same_day"), frozenset({"time"})),
    **dict.fromkeys(("tomorrow", "later"), frozenset({"date", "time"})),
}


@dataclass(frozen=True, slots=True)
class Dates:
    """One language's patterns; every method says one thing as a customer would read it."""

    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    am_pm: tuple[str, ...]
    this_month: str
    other_month: str
    other_year: str
    past_this_month: str
    past_other_month: str
    holiday_weekday: str
    holiday_weekday_short: str
    holiday: str
    hour: str
    minutes: str
    noon: str
    today: str
    tomorrow: str
    later: str
    same_day: str
    end_of_today: str
    end_of_day: str

    @classmethod
    def read(cls, file: Path) -> Dates:
        """Read a `dates.toml`; ValueError names the file and every key that is wrong."""
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"{file}: {error}") from None
        if problems := [f"{file}: {problem}" for problem in _problems(table)]:
            raise ValueError("\n".join(problems))
        return cls(**{key: _frozen(value) for key, value in table.items()})

    def promise(self, at: datetime, now: datetime, since: date | None = None) -> str:
        """By when, never earlier than `at` or `now`: rounded up to a half hour, in `now`'s zone.

        `since` is the day that the sentence has just named, so that it need not be named again.
        """
        local = as_said(max(at, now).astimezone(now.tzinfo))
        if local.time() == time():
            return self._end_of(local.date() - _DAY, now.date())
        return self._moment(local, now, since)

    def opening(self, at: datetime, now: datetime) -> str:
        """From when, to the minute, in `now`'s zone."""
        return self._moment(at.astimezone(now.tzinfo), now, None)

    def day(self, at: datetime, now: datetime) -> str:
        """A day to come, in `now`'s zone."""
        return self._date(at.astimezone(now.tzinfo).date(), now.date())

    def past_day(self, at: datetime, now: datetime) -> str:
        """A day gone by, in `now`'s zone."""
        day = at.astimezone(now.tzinfo).date()
        pattern = self.past_this_month if _same_month(day, now.date()) else self.past_other_month
        return self._fill(pattern, day, self.weekdays[day.weekday()])

    def closed_day(self, closed: ClosedDay, now: datetime, *, short: bool = False) -> str:
        """A day without opening hours, marked when it is a public holiday."""
        if not closed.is_holiday:
            return self._date(closed.day, now.date())
        pattern = self.holiday_weekday_short if short else self.holiday_weekday
        weekday = pattern.format(weekday=self.weekdays[closed.day.weekday()])
        return self.holiday.format(date=self._date(closed.day, now.date(), weekday))

    def _moment(self, at: datetime, now: datetime, since: date | None) -> str:
        day, today, clock = at.date(), now.date(), self._clock(at)
        if day == since:
            return self.same_day.format(time=clock)
        if day == today:
            return self.today.format(time=clock)
        pattern = self.tomorrow if day - today == _DAY else self.later
        return pattern.format(date=self._date(day, today), time=clock)

    def _end_of(self, day: date, today: date) -> str:
        if day == today:
            return self.end_of_today
        return self.end_of_day.format(date=self._date(day, today))

    def _clock(self, at: datetime) -> str:
        if at.hour == 12 and not at.minute:
            return self.noon
        return (self.minutes if at.minute else self.hour).format(
            hour=at.hour,
            hour12=at.hour % 12 or 12,
            minute=f"{at.minute:02d}",
            am_pm=self.am_pm[at.hour // 12],
        )

    def _date(self, day: date, today: date, weekday: str = "") -> str:
        pattern = self.this_month if _same_month(day, today) else self.other_month
        if day - today > _OTHER_YEAR:
            pattern = self.other_year
        return self._fill(pattern, day, weekday or self.weekdays[day.weekday()])

    def _fill(self, pattern: str, day: date, weekday: str) -> str:
        return pattern.format(
            year=day.year, month=self.months[day.month - 1], day=day.day, weekday=weekday
        )


def _same_month(day: date, today: date) -> bool:
    return (day.year, day.month) == (today.year, today.month)


def as_said(at: datetime) -> datetime:
    """A promised time as customers read it: rounded up to a half hour of its own zone."""
    past_half = timedelta(minutes=at.minute % 30, seconds=at.second, microseconds=at.microsecond)
    # Of an hour that comes twice, the same one.
    return (at - past_half + _HALF_HOUR).replace(fold=at.fold) if past_half else at


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _problems(table: dict[str, Any]) -> list[str]:
    known = [field.name for field in fields(Dates)]
    unknown = [
        f"unknown key {key!r}; known are {', '.join(known)}" for key in table if key not in known
    ]
    return unknown + [problem for key in known if (problem := _problem(key, table.get(key)))]


def _problem(key: str, value: Any) -> str:
    if key in _LISTS:
        right = isinstance(value, list) and [type(name) for name in value] == [str] * _LISTS[key]
        return "" if right else f"{key} must be a list of {_LISTS[key]} names"
    if not isinstance(value, str) or not value:
        return f"{key} is missing; it must be a text"
    return _pattern_problem(key, value)


def _pattern_problem(key: str, pattern: str) -> str:
    try:
        pieces = list(Formatter().parse(pattern))
    except ValueError as error:
        return f"{key}: {error}"
    for _, name, spec, conversion in pieces:
        if name is not None and (name not in _NAMES[key] or spec or conversion):
            possible = ", ".join(f"{{{name}}}" for name in sorted(_NAMES[key])) or "none"
            return f"{key}: {{{name}}} is not known here; possible: {possible}"
    return ""
