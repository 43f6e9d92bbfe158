"""By when we say that a person answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from gateway.promises.history import NOTHING, Learned
from gateway.team.calendars import Calendars, Counted
from scheduler.calendar import (
    Calendar,
    ClosedDay,
    closed_days,
    due,
    is_open,
    next_open,
    open_time_later,
)
from scheduler.duration import Duration


class Promise(NamedTuple):
    """By when we answer, whether and until when we are closed, and whether more wait than usual."""

    by: datetime
    open_now: bool
    closed: tuple[ClosedDay, ...]
    reopens_at: datetime | None
    surge: bool = False


def promise(
    calendar: Calendar, within: Duration, at: datetime, learned: Learned = NOTHING
) -> Promise:
    """What may be promised to somebody who writes now: never earlier than `within` says."""
    open_now = is_open(calendar, at)
    by, slow = due(calendar, at, within), learned.slow(calendar, at)
    return Promise(
        max(by, open_time_later(calendar, at, slow)) if slow else by,
        open_now,
        () if open_now else closed_days(calendar, at),
        None if open_now else next_open(calendar, at),
        calendar in learned.surges,
    )


_promise_of_the_minute = lru_cache(maxsize=64)(promise)


@dataclass(slots=True, eq=False)
class Promising:
    """By when we answer in a case: what the calendar says, and what we have learned.

    `learned` is replaced from time to time; whoever promises reads it as it is.
    """

    calendars: Calendars
    within: Duration
    learned: Learned = NOTHING

    def __call__(self, case: Counted, at: datetime) -> Promise:
        """To somebody who reads it at `at`."""
        calendar = self.calendars.of(case).calendar
        return _promise_of_the_minute(calendar, self.within, next_minute(at), self.learned)


def next_minute(at: datetime) -> datetime:
    """What is promised within a minute is promised at its end."""
    return at.replace(second=0, microsecond=0) + timedelta(minutes=1)
