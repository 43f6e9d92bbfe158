"""Looks every few minutes at what became of our promises: what we learn of it, and what is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection

from gateway.metrics import PromiseMetrics
from gateway.promises.history import (
    NOTHING,
    Learned,
    at_quantile,
    backlog,
    first_replies,
    learn,
)
from gateway.promises.updates import promised
from gateway.promises.word import Promising
from scheduler.calendar import Calendar
from store.due import overdue
from store.engine import StoreUnavailable
from store.promises import Made, recent, updates
from store.store import Store

log = structlog.get_logger()

CASES: Final = 5000  # the newest; what they teach takes a tenth of a second, beside the loop
EVENTS: Final = 20_000  # the newest, which tell what became of next updates since the last look
_EVERY: Final = 300.0  # seconds between looks
_SHOWN: Final = (0.5, 0.8, 0.95)


class How(NamedTuple):
    """How to learn: at all, which share of promises shall be kept, from how many answers."""

    learn: bool = True
    quantile: float = 0.8
    least: int = 20


@dataclass(slots=True)
class Learning:
    """Replaces what `promising` has learned; nobody who writes to us waits for it."""

    store: Store
    promising: Promising
    how: How
    clock: Callable[[], datetime]
    metrics: PromiseMetrics
    _looked: datetime | None = field(default=None, init=False)

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY)

    async def look(self) -> None:
        """Once; without a store what was learned before stays."""
        now = self.clock()
        try:
            self.promising.learned = await self.store.read(lambda c: self._learned(c, now))
        except StoreUnavailable as error:
            log.warning("promises.not_read", reason=str(error))

    def _learned(self, connection: Connection, now: datetime) -> Learned:
        made = recent(connection, CASES)
        self._show(made, promised(updates(connection, EVENTS)), now)
        self.metrics.overdue(overdue(connection, now))
        if not self.how.learn:
            return NOTHING
        return learn(made, self._calendar, now, self.how.quantile, self.how.least)

    def _calendar(self, one: Made) -> Calendar:
        return self.promising.calendars.of(one).calendar

    def _show(self, made: Sequence[Made], next_: Sequence[Made], now: datetime) -> None:
        since, self._looked = self._looked or now, now
        for one in made:
            if kept := settled(one, since, now):
                self.metrics.ended(kept)
        for one in next_:
            if kept := settled(one, since, now):
                self.metrics.updated(kept)
        self.metrics.waiting(backlog(made, now))
        times = [time for one in made for time in first_replies(self._calendar(one), [one])]
        for quantile in _SHOWN if times else ():
            self.metrics.first_reply(quantile, at_quantile(times, quantile).total_seconds())


def settled(one: Made, since: datetime, now: datetime) -> str:
    """Whether a promise was kept ("yes") or broken ("no") between two looks; "" for neither."""
    ends = [end for end in (one.answered_at, one.closed_at) if end is not None]
    if ends and min(ends) <= one.promised_by:
        return "yes" if since < min(ends) <= now and one.answered_at == min(ends) else ""
    return "no" if since < one.promised_by <= now else ""
