"""When we are open, and when something falls due: pure arithmetic over zones, opening hours, holidays.

Two rules hold whenever clocks are changed. A wall time that the clock skips happens at the moment
when the clock jumps over it; one that the clock shows twice happens the first time only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import count, islice, takewhile
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from scheduler import written
from scheduler.duration import Duration
from scheduler.holidays import public_holidays
from scheduler.written import Hours

_DAY: Final = timedelta(days=1)


class Opening(NamedTuple):
    """One stretch of opening hours, in UTC; the end is no longer open."""

    start: datetime
    end: datetime


class ClosedDay(NamedTuple):
    """A day on which we do not open at all; `is_holiday` when it is a public holiday."""

    day: date
    is_holiday: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """A zone, the opening hours of each weekday (Monday first), and the days that are otherwise.

    Hours are counted from midnight by the wall clock. `countries` name public holidays ("JP",
    "DE-BY"); `closed` are days of our own, `yearly` are such days of every year (month, day);
    `special` are days with their own hours, whatever else they are.
    """

    zone: ZoneInfo
    hours: tuple[Hours, ...]
    countries: tuple[str, ...] = ()
    closed: frozenset[date] = frozenset()
    yearly: frozenset[tuple[int, int]] = frozenset()
    special: Mapping[date, Hours] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        zone: str,
        hours: Mapping[str, Sequence[str]],
        holidays: str | Sequence[str] = (),
        opened: Sequence[str] = (),
    ) -> Calendar:
        """Read a calendar as config.toml writes it; ValueError says what would be right.

        `hours` is like `{"mon-fri": ["09:00-12:00", "13:00-18:00"], "sat,sun": ["10:00-12:00"]}`;
        `holidays` a country ("JP", "DE-BY") or a list of countries, days ("2026-12-29") and days
        of every year ("12-29"); `opened` days on which we open all the same ("2026-11-23"), or at
        hours of their own ("2026-12-29 10:00-15:00").
        """
        days = (holidays,) if holidays and isinstance(holidays, str) else holidays
        own = [written.closed_day(day) for day in days if day[:1].isdigit()]
        week = written.week(hours)
        return cls(
            written.zone(zone),
            week,
            tuple(written.country(day) for day in days if not day[:1].isdigit()),
            frozenset(day for day in own if isinstance(day, date)),
            frozenset(day for day in own if not isinstance(day, date)),
            written.special_days(opened, week),
        )

    @property
    def never_closes(self) -> bool:
        """Whether it is open day and night, every day."""
        lengths = (sum((end - start for start, end in hours), timedelta()) for hours in self.hours)
        others = (self.countries, self.closed, self.yearly, self.special)
        return not any(others) and all(length == _DAY for length in lengths)

    def __hash__(self) -> int:
        # Equal calendars share their zone; hashing the rest would cost more than it saves.
        return hash(self.zone)


def at_wall_time(zone: ZoneInfo, wall: datetime) -> datetime:
    """The one UTC instant at which `wall` (naive) happens in `zone`."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    # PEP 495: of a skipped time, fold=1 lies before the jump and fold=0 after it.
    earliest = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    seconds = range(int(earliest.timestamp()), int(first.timestamp()) + 1)
    jump = bisect_left(seconds, wall, key=lambda second: _wall(zone, second))
    return datetime.fromtimestamp(seconds[jump], UTC)


def due(calendar: Calendar, start: datetime, duration: Duration) -> datetime:
    """When `duration` after `start` has passed, in UTC.

    Plain durations are elapsed time, business hours elapse while open. Business days keep the
    wall time, or take the hour that they name, and count days on which we open; outside opening
    hours, the next opening counts.
    """
    start = _utc(start)
    if not duration.is_business:
        return start + duration.span
    if duration.unit == "day":
        return _business_days_later(calendar, start, duration)
    return open_time_later(calendar, start, duration.span)


def ahead(calendar: Calendar, since: datetime, by: datetime, duration: Duration) -> datetime:
    """When, after `since`, only `duration` is left until `by`; `by` if there never was so much.

    Of business time it is a moment at which we are open. In UTC.
    """
    since, by = _utc(since), _utc(by)
    if duration.is_business:
        at = _business_time_ahead(calendar, since, by, duration)
    else:
        at = by - duration.span
    return at if since < at < by else by


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether `at` lies within opening hours."""
    return next_open(calendar, at) == _utc(at)


def next_open(calendar: Calendar, at: datetime) -> datetime:
    """The first instant from `at` on that lies within opening hours, in UTC."""
    at = _utc(at)
    return max(next(_openings(calendar, at)).start, at)


def closed_days(calendar: Calendar, at: datetime) -> tuple[ClosedDay, ...]:
    """The whole days without opening between `at` and the next opening; today if it is one."""
    today = _utc(at).astimezone(calendar.zone).date()
    reopening = next_open(calendar, at).astimezone(calendar.zone).date()
    days = (today + _DAY * n for n in range((reopening - today).days))
    return tuple(
        ClosedDay(day, _is_public_holiday(calendar, day))
        for day in days
        if not _openings_on(calendar, day)
    )


def open_time_later(calendar: Calendar, start: datetime, left: timedelta) -> datetime:
    """When, after `start`, so much time has passed while we were open, in UTC."""
    start = _utc(start)
    openings = _openings(calendar, start)
    while True:
        opening = next(openings)
        begin = max(opening.start, start)
        if left <= opening.end - begin:
            return begin + left
        left -= opening.end - begin


def open_time(calendar: Calendar, since: datetime, until: datetime) -> timedelta:
    """How long we were open between two instants."""
    since, until = _utc(since), _utc(until)
    openings = takewhile(lambda opening: opening.start < until, _openings(calendar, since))
    open_for = (min(one.end, until) - max(one.start, since) for one in openings)
    return sum(open_for, timedelta())


def _business_time_ahead(
    calendar: Calendar, since: datetime, by: datetime, duration: Duration
) -> datetime:
    def is_enough(second: int) -> bool:
        return due(calendar, datetime.fromtimestamp(second, UTC), duration) >= by

    seconds = range(int(since.timestamp()), int(by.timestamp()))
    first = seconds.start + bisect_left(seconds, True, key=is_enough)
    return next_open(calendar, datetime.fromtimestamp(first, UTC))


def _business_days_later(calendar: Calendar, start: datetime, duration: Duration) -> datetime:
    wall = start.astimezone(calendar.zone).replace(tzinfo=None)
    days = (wall.date() + _DAY * n for n in count(1))
    open_days = (day for day in days if _openings_on(calendar, day))
    day = next(islice(open_days, duration.amount - 1, None))
    at = datetime.combine(day, wall.time() if duration.at is None else duration.at)
    return next_open(calendar, at_wall_time(calendar.zone, at))


def _openings(calendar: Calendar, at: datetime) -> Iterator[Opening]:
    """Every stretch of opening hours that ends after `at`, in order, for ever."""
    # The day before too: where clocks go back at midnight, it may be still open.
    first = at.astimezone(calendar.zone).date() - _DAY
    for day in (first + _DAY * n for n in count()):
        for opening in _openings_on(calendar, day):
            if opening.end > at:
                yield opening


# Cached: every acknowledgement asks for the same few days.
@lru_cache(maxsize=4096)
def _openings_on(calendar: Calendar, day: date) -> tuple[Opening, ...]:
    midnight = datetime.combine(day, time())
    openings = (
        Opening(
            at_wall_time(calendar.zone, midnight + start),
            at_wall_time(calendar.zone, midnight + end),
        )
        for start, end in _hours_on(calendar, day)
    )
    # Hours that the clock jumps over altogether are none.
    return tuple(opening for opening in openings if opening.start < opening.end)


def _hours_on(calendar: Calendar, day: date) -> Hours:
    if (own := calendar.special.get(day)) is not None:
        return own
    return () if _is_closed(calendar, day) else calendar.hours[day.weekday()]


def _is_closed(calendar: Calendar, day: date) -> bool:
    return (
        day in calendar.closed
        or (day.month, day.day) in calendar.yearly
        or _is_public_holiday(calendar, day)
    )


def _is_public_holiday(calendar: Calendar, day: date) -> bool:
    return any(day in public_holidays(country, day.year) for country in calendar.countries)


def _wall(zone: ZoneInfo, second: int) -> datetime:
    return datetime.fromtimestamp(second, zone).replace(tzinfo=None)


def _utc(at: datetime) -> datetime:
    # In UTC before anything else: PEP 495 makes an instant that a zone shows twice equal to nothing.
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC)
