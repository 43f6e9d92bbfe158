"""Pure: what our own first replies teach about the next one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from scheduler.calendar import Calendar, is_open, open_time
from store.promises import Made

CLOSED: Final = -1  # the hour of whoever writes while nobody is there

_RATE: Final = timedelta(days=14)  # how fast we answer is what these days say
_LOOK_BACK: Final = range(1, 29)  # days whose backlog at this hour tells what is usual
_LEAST_DAYS: Final = 7  # … of which there must be so many
_MANY: Final = 10  # so few that wait are never a surge
_TIMES: Final = 2  # a surge is so many times what is usual
_MOST: Final = timedelta(hours=80)  # a later promise would be none, and a flood shall not make it
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """By calendar, in opening time: how long a first reply takes at an hour, and those who wait.

    `surges` are the calendars by which far more customers wait than usual.
    """

    usual: Mapping[tuple[Calendar, int], timedelta] = field(default_factory=dict)
    waits: Mapping[Calendar, timedelta] = field(default_factory=dict)
    surges: frozenset[Calendar] = frozenset()

    def slow(self, calendar: Calendar, at: datetime) -> timedelta:
        """The opening time that a reply to somebody who writes now is likely to take."""
        usual = self.usual.get((calendar, hour_of(calendar, at)), timedelta())
        return min(max(usual, self.waits.get(calendar, timedelta())), _MOST)


NOTHING: Final = Learned()


def hour_of(calendar: Calendar, at: datetime) -> int:
    """The hour of the day by the calendar's clock; CLOSED outside of opening hours."""
    return at.astimezone(calendar.zone).hour if is_open(calendar, at) else CLOSED


def learn(
    made: Sequence[Made],
    calendar_of: Callable[[Made], Calendar],
    now: datetime,
    quantile: float,
    least: int,
) -> Learned:
    """What these promises teach; of fewer than `least` answers nothing is learned."""
    by_calendar = defaultdict[Calendar, list[Made]](list)
    for one in made:
        by_calendar[calendar_of(one)].append(one)
    usual: dict[tuple[Calendar, int], timedelta] = {}
    waits: dict[Calendar, timedelta] = {}
    for calendar, ours in by_calendar.items():
        usual |= _hours(calendar, ours, quantile, least)
        waits |= _wait(calendar, ours, now, least)
    surges = (calendar for calendar, ours in by_calendar.items() if is_surge(ours, now))
    return Learned(usual, waits, frozenset(surges))


def first_replies(calendar: Calendar, made: Iterable[Made]) -> list[timedelta]:
    """The opening time from each case's first word to our first reply."""
    return [open_time(calendar, one.made_at, one.answered_at) for one in made if one.answered_at]


def at_quantile(times: Sequence[timedelta], quantile: float) -> timedelta:
    """The shortest of these times within which that share lies."""
    return sorted(times)[min(int(len(times) * quantile), len(times) - 1)]


def is_surge(made: Sequence[Made], now: datetime) -> bool:
    """Whether far more customers wait than usual at this hour."""
    begun = min(one.made_at for one in made)
    days = [now - timedelta(days=days) for days in _LOOK_BACK]
    before = [backlog(made, day) for day in days if day > begun]
    if len(before) < _LEAST_DAYS:
        return False
    return backlog(made, now) > max(_MANY, _TIMES * median(before))


def backlog(made: Iterable[Made], at: datetime) -> int:
    """How many waited for a first reply at a moment."""
    return sum(one.made_at <= at and not _is_over(one, at) for one in made)


def _is_over(one: Made, at: datetime) -> bool:
    return any(end is not None and end <= at for end in (one.answered_at, one.closed_at))


def _hours(
    calendar: Calendar, made: Iterable[Made], quantile: float, least: int
) -> dict[tuple[Calendar, int], timedelta]:
    by_hour = defaultdict[int, list[Made]](list)
    for one in made:
        if one.answered_at:
            by_hour[hour_of(calendar, one.made_at)].append(one)
    return {
        (calendar, hour): _up(at_quantile(first_replies(calendar, ours), quantile))
        for hour, ours in by_hour.items()
        if len(ours) >= least
    }


def _wait(
    calendar: Calendar, made: Sequence[Made], now: datetime, least: int
) -> dict[Calendar, timedelta]:
    """How long those before us take, as fast as we have been of late."""
    lately = now - _RATE
    answered = sum(one.answered_at is not None and one.answered_at > lately for one in made)
    if answered < least:
        return {}
    each = open_time(calendar, lately, now) / answered
    return {calendar: _up(each * backlog(made, now))}


def _up(time: timedelta) -> timedelta:
    """Whole minutes, so that promises of one minute are one."""
    return -(-time // _MINUTE) * _MINUTE
