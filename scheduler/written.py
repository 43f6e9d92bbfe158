"""How config.toml writes when we are open: weekdays, hours, holidays, days of their own."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from scheduler.countries import codes
from scheduler.holidays import public_holidays

_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS: Final = re.compile(r"\s*(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)\s*", re.ASCII)
_COUNTRY: Final = re.compile(r"([A-Za-z]{2})(?:-(\w+))?", re.ASCII)
_DAY: Final = timedelta(days=1)

Hours = tuple[tuple[timedelta, timedelta], ...]


def zone(name: str) -> ZoneInfo:
    """A zone by its IANA name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f'{name!r} is not a known time zone; write one such as "Asia/Tokyo" or "UTC"'
        ) from None


def week(hours: Mapping[str, Sequence[str]]) -> tuple[Hours, ...]:
    """The hours of each weekday, Monday first."""
    found: dict[int, Hours] = {}
    for key, spans in hours.items():
        for day in _weekdays(key):
            if day in found:
                raise ValueError(f"hours name {_WEEKDAYS[day]} twice; give each weekday once")
            found[day] = _day_hours(key, (spans,) if isinstance(spans, str) else spans)
    if not any(found.values()):
        raise ValueError('no opening hours; write some, such as { mon-fri = ["09:00-18:00"] }')
    return tuple(found.get(day, ()) for day in range(7))


def _weekdays(key: str) -> Iterator[int]:
    for part in key.split(","):
        first, dash, last = part.partition("-")
        start = _weekday(first, key)
        end = _weekday(last, key) if dash else start
        yield from (day % 7 for day in range(start, start + (end - start) % 7 + 1))


def _weekday(name: str, key: str) -> int:
    try:
        return _WEEKDAYS.index(name.strip().lower())
    except ValueError:
        raise ValueError(
            f'{key!r} is not a weekday; write "mon", "mon-fri" or "sat,sun" ({" ".join(_WEEKDAYS)})'
        ) from None


def _day_hours(key: str, spans: Sequence[str]) -> Hours:
    hours = sorted(_span(key, text) for text in spans)
    for (_, end), (start, _) in pairwise(hours):
        if start < end:
            raise ValueError(f"hours of {key} overlap: {', '.join(map(repr, spans))}")
    return tuple(hours)


def _span(key: str, text: str) -> tuple[timedelta, timedelta]:
    found = _HOURS.fullmatch(text)
    if not found:
        raise ValueError(f'hours of {key}: {text!r} is not like "09:00-18:00"')
    start, end = (_since_midnight(*found.group(n, n + 1)) for n in (1, 3))
    if end > _DAY or not (int(found[2]) < 60 and int(found[4]) < 60):
        raise ValueError(f"hours of {key}: {text!r} is not between 00:00 and 24:00")
    if end <= start:
        raise ValueError(
            f"hours of {key}: {text!r} ends before it starts; hours over midnight are two entries:"
            ' to "24:00", and from "00:00" of the next day'
        )
    return start, end


def _since_midnight(hours: str, minutes: str) -> timedelta:
    return timedelta(hours=int(hours), minutes=int(minutes))


def closed_day(text: str) -> date | tuple[int, int]:
    """A day, or a month and a day of every year."""
    try:
        if len(text) == len("12-29"):
            # A leap year, so that 29 February may be one.
            yearly = date.fromisoformat(f"2000-{text}")
            return yearly.month, yearly.day
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f'{text!r} is not a day; write "2026-12-29", or "12-29" for every year'
        ) from None


def country(text: str) -> str:
    """A country or region whose public holidays are known."""
    found = _COUNTRY.fullmatch(text)
    name = f"{found[1].upper()}-{found[2]}" if found and found[2] else text.upper()
    if name in codes():
        return name
    try:
        if found:
            public_holidays(name, 2026)
            return name
    except NotImplementedError:
        pass
    raise ValueError(
        f'{text!r} is not a country whose holidays we know; write one such as "JP" or "DE-BY"'
    )


def special_days(opened: Sequence[str], week: Sequence[Hours]) -> dict[date, Hours]:
    """Days with their hours; a day without any has those of its weekday."""
    spans: dict[date, list[str]] = defaultdict(list)
    for text in opened:
        day, hours = special_day(text)
        spans[day] += [hours] if hours else []
    return {
        day: _day_hours(f"{day}", said) if said else _usual(day, week)
        for day, said in spans.items()
    }


def special_day(text: str) -> tuple[date, str]:
    """A day and, if it has its own, a span of hours."""
    day, _, hours = text.strip().partition(" ")
    if hours:
        _span(day, hours)
    if isinstance(found := closed_day(day), date):
        return found, hours
    raise ValueError(f'{text!r} is not a day of one year; write "2026-12-29"')


def _usual(day: date, week: Sequence[Hours]) -> Hours:
    if hours := week[day.weekday()]:
        return hours
    raise ValueError(
        f'{day} is a {day:%A}, which has no hours; write them with the day: "{day} 10:00-15:00"'
    )
