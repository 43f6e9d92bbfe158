"""Notices at a bounded rate: every second the next few, beside the clock and never in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

import structlog
from sqlalchemy import Connection

from store import notices
from store.engine import StoreUnavailable
from store.known import Changes
from store.notices import Notice, Recipient
from store.store import Store

log = structlog.get_logger()

_TICK = 1.0  # seconds
_BATCH = 100  # recipients in one transaction: few enough that nobody's 250 waits for them
_TURNS = 20  # transactions of one tick at most, where nearly everybody is left out


class Drawn(NamedTuple):
    """How many of the recipients were queued, and of how many is known what became."""

    queued: int
    settled: int


class Draw(Protocol):
    """Decides about recipients and writes what they read, in the transaction that settles them."""

    def __call__(
        self, connection: Connection, changes: Changes, notice: Notice,
        recipients: Sequence[Recipient], most: int, now: datetime, /,
    ) -> Drawn: ...  # fmt: skip

    def finished(self, changes: Changes, notice: Notice, now: datetime, /) -> None:
        """Nobody waits any more."""


@dataclass(slots=True)
class Notices:
    """Draws what waits; `quiet(now)` is when quiet hours end, None outside of them.

    Who is next, how many may be, and what becomes of them are one transaction of the one writer:
    a customer is told once, whichever process comes first and whenever it dies.
    """

    store: Store
    draw: Draw
    per_minute: int
    quiet: Callable[[datetime], datetime | None]
    now: Callable[[], datetime]
    queued: Callable[[], None]
    failpoint: Callable[[str], None]

    async def run(self) -> None:
        """Look every second until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_TICK)

    async def look(self) -> int:
        """Draw what may be drawn now; returns how many were queued."""
        now = self.now()
        try:
            if not (running := await self.store.read(notices.running)) or self.quiet(now):
                return 0
            left = total = -(-self.per_minute // 60)
            for notice in running:
                left -= await self._tell(notice, left, now)
        except StoreUnavailable as error:
            log.warning("notice.store_down", reason=str(error))
            return 0
        return total - left

    async def _tell(self, notice: Notice, most: int, now: datetime) -> int:
        count = 0
        for _ in range(_TURNS):
            drawn = await self.store.change(self._plan(notice, most - count, now))
            self.failpoint("F21")
            count += drawn.queued
            if drawn.queued:
                self.queued()
            if count >= most or not drawn.settled:
                break
        return count

    def _plan(
        self, notice: Notice, most: int, now: datetime
    ) -> Callable[[Connection, Changes], Drawn]:
        def plan(connection: Connection, changes: Changes) -> Drawn:
            room = min(most, notices.room(connection, now, self.per_minute))
            if room <= 0:
                return Drawn(0, 0)
            # Many may be left out: looked at are more than can be queued.
            next_ = notices.waiting(connection, notice.id, now, min(_BATCH, 20 * room))
            drawn = self.draw(connection, changes, notice, next_, room, now)
            if not next_ and notices.end(connection, notice.id, "finished", now):
                self.draw.finished(changes, notice, now)
            self.failpoint("F20")
            return drawn

        return plan
