"""The arithmetic agrees with somebody who watches the wall clock minute by minute.

The watcher knows one rule: a clock that is set back is looked at again only when it shows a time
that it has never shown.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from scheduler.calendar import Calendar, at_wall_time, due, is_open, next_open
from scheduler.duration import Duration

ZONES = [
    *("Asia/Tokyo", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"),
    *("America/Havana", "America/Santiago", "Asia/Beirut", "Asia/Kathmandu", "America/Nuuk"),
]
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MINUTE = timedelta(minutes=1)


class Watch:
    """Ten days of one zone's wall clock, minute by minute, and when the shop is open."""

    def __init__(
        self,
        zone: str,
        begin: datetime,
        week: dict[str, list[str]],
        closed: date,
        special: dict[date, list[str]],
    ) -> None:
        self.begin = begin
        self.week, self.closed, self.special = week, closed, special
        seen = begin.replace(year=1, tzinfo=None)
        self.walls = []
        for n in range(10 * 24 * 60):
            wall = (begin + n * MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            seen = max(seen, wall)
            self.walls.append(seen)
        self.open = [self._is_open(wall) for wall in self.walls]
        self.opened = [n for n, is_open in enumerate(self.open) if is_open]
        self.open_days = sorted({self.walls[n].date() for n in self.opened})

    def _is_open(self, wall: datetime) -> bool:
        spans = self._spans(wall.date())
        return any(span[:5] <= f"{wall:%H:%M}" < span[6:] for span in spans)

    def _spans(self, day: date) -> list[str]:
        usual = [] if day == self.closed else self.week.get(WEEKDAYS[day.weekday()], [])
        return self.special.get(day, usual)

    def open_from(self, n: int) -> int:
        return self.opened[bisect_left(self.opened, n)]

    def after_open_minutes(self, n: int, minutes: int) -> int:
        return self.opened[bisect_left(self.opened, n) + minutes - 1] + 1

    def after_business_days(self, n: int, days: int, zone: str, at: time | None = None) -> int:
        start = (self.begin + n * MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        day = [day for day in self.open_days if day > start.date()][days - 1]
        wall = datetime.combine(day, start.time() if at is None else at)
        return self.open_from(bisect_left(self.walls, wall))


def transitions(zone: str) -> list[datetime]:
    """Every hour from 2025 to 2030 in which the clock is set, in UTC."""
    first = datetime(2025, 1, 1, tzinfo=UTC)
    hours = [first + timedelta(hours=n) for n in range(6 * 366 * 24)]
    offsets = ((hour, hour.astimezone(ZoneInfo(zone)).utcoffset()) for hour in hours)
    return [hour for (hour, before), (_, after) in pairwise(offsets) if before != after]


def random_week(random: Random) -> dict[str, list[str]]:
    """Opening hours on most days, small hours included; Wednesday always opens."""
    days = [day for day in WEEKDAYS if day == "wed" or random.random() < 0.7]
    return {day: random_spans(random) for day in days}


def random_spans(random: Random) -> list[str]:
    marks = sorted(random.sample(range(289), 2 * random.randint(1, 3)))
    times = [f"{mark // 12:02d}:{mark % 12 * 5:02d}" for mark in marks]
    return [f"{start}-{end}" for start, end in zip(times[::2], times[1::2], strict=True)]


def cases(random: Random, zone: str, count: int) -> Iterator[tuple[Calendar, Watch]]:
    set_at = transitions(zone) or [datetime(2026, 11, 20, tzinfo=UTC)]
    for _ in range(count):
        begin = random.choice(set_at) - timedelta(hours=random.randint(1, 60))
        closed = (begin + timedelta(days=random.randint(0, 5))).date()
        week = random_week(random)
        opened = (begin + timedelta(days=random.randint(0, 5))).date()
        special = {opened: random_spans(random)}
        days = [f"{day} {span}" for day, spans in special.items() for span in spans]
        calendar = Calendar.build(zone, week, [closed.isoformat()], days)
        yield calendar, Watch(zone, begin, week, closed, special)


@pytest.mark.parametrize("zone", ZONES)
def test_the_arithmetic_agrees_with_watching_the_clock(zone: str) -> None:
    random = Random(f"madoguchi {zone}")
    for calendar, watch in cases(random, zone, 6):
        for n in random.sample(range(4 * 1440), 60):
            at = watch.begin + n * MINUTE
            assert is_open(calendar, at) is watch.open[n]
            open_at = watch.begin + watch.open_from(n) * MINUTE
            assert next_open(calendar, at) == open_at
        for n in random.sample(range(4 * 1440), 100):  # 16,200 durations over all zones
            at, minutes = watch.begin + n * MINUTE, random.randint(1, 90)
            expected = watch.begin + watch.after_open_minutes(n, minutes) * MINUTE
            assert due(calendar, at, Duration(minutes, "minute", is_business=True)) == expected
            expected = watch.begin + watch.after_business_days(n, 1, zone) * MINUTE
            assert due(calendar, at, Duration(1, "day", is_business=True)) == expected
            clock = time(random.randrange(24), random.randrange(60))
            expected = watch.begin + watch.after_business_days(n, 1, zone, clock) * MINUTE
            assert due(calendar, at, Duration.parse(f"next business day {clock:%H:%M}")) == expected


@pytest.mark.parametrize(
    "zone", [zone for zone in ZONES if zone not in {"Asia/Tokyo", "Asia/Kathmandu"}]
)
def test_around_every_transition_each_wall_time_happens_once(zone: str) -> None:
    """At the first instant at which the clock has reached it, whatever the clock does."""
    changes = transitions(zone)
    assert len(changes) >= 10
    for change in changes:
        minutes = [change + n * MINUTE for n in range(-180, 240)]
        walls = [minute.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for minute in minutes]
        for n in range(0, 300, 7):
            wall = datetime.combine(walls[0].date(), time(walls[0].hour)) + (60 + n) * MINUTE
            reached = next(m for m, shown in zip(minutes, walls, strict=True) if shown >= wall)
            assert at_wall_time(ZoneInfo(zone), wall) == reached
