"""The clock: it ticks once a second and fires what is due, each row once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import Connection

from scheduler.pace import A_MASS, LATE, Lanes, is_mass
from scheduler.rules import Rule
from store import due
from store.due import Due
from store.engine import StoreUnavailable
from store.known import Changes
from store.store import Store

log = structlog.get_logger()

BATCH = 200  # rows in one transaction: few enough that nobody's 250 waits for them


class Fire(Protocol):
    """Turns due rows into what they say, in the transaction that ends them."""

    def __call__(
        self, connection: Connection, changes: Changes, rows: Sequence[Due], now: datetime, /
    ) -> None: ...


@dataclass(slots=True)
class Clock:
    """Fires the rows of `rules`; `fired()` wakes whoever delivers.

    A row and what it says are one transaction of the store's one writer, so a row fires once,
    whichever process comes first and whenever it dies. APScheduler only ticks: its own job store
    loses and doubles jobs between processes.
    """

    store: Store
    rules: Sequence[Rule]
    fire: Fire
    now: Callable[[], datetime]
    fired: Callable[[], None]
    alarm: Callable[[str, str], None]
    _spreading: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Tick until cancelled."""
        ticked = asyncio.Event()

        async def tick() -> None:
            ticked.set()

        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_job(
            tick, "interval", seconds=1, misfire_grace_time=None, coalesce=True, max_instances=1
        )
        scheduler.start()
        try:
            await self._forget()
            while True:
                await self.look()
                ticked.clear()
                await ticked.wait()
        finally:
            scheduler.shutdown(wait=False)

    async def look(self) -> int:
        """Fire everything that may fire now; returns how many rows that were."""
        try:
            return await self._look(self.now())
        except StoreUnavailable as error:
            log.warning("clock.store_down", reason=str(error))
            return 0

    async def _look(self, now: datetime) -> int:
        lanes, before = Lanes.of(self.rules), now - LATE
        count = 0
        while rows := await self.store.read(lambda c: due.due(c, now, BATCH, late=before)):
            count += await self._fire(rows, now)
        count += await self._skip(lanes.skip, now)
        while rows := await self._missed(lanes.at_once, now, BATCH):
            count += await self._fire(rows, now)
        late = await self._late(lanes.spread, now)
        self._spread(late)
        while late and (rows := await self._missed(lanes.spread, now, self._turn)):
            count += await self._fire(rows, now)
            if self._spreading:
                break
        return count

    @property
    def _turn(self) -> int:
        return 1 if self._spreading else BATCH

    def _spread(self, late: int) -> None:
        spreads = is_mass(late, spreading=self._spreading)
        if spreads and not self._spreading:
            self.alarm("follow_ups.missed", f"more than {A_MASS} are over an hour late")
        self._spreading = spreads

    async def _missed(self, rules: Sequence[str], now: datetime, limit: int) -> list[Due]:
        if not rules:
            return []
        return await self.store.read(lambda c: due.due(c, now - LATE, limit, rules=rules))

    async def _late(self, rules: Sequence[str], now: datetime) -> int:
        if not rules:
            return 0
        return await self.store.read(lambda c: due.count_late(c, now - LATE, rules, A_MASS + 1))

    async def _skip(self, rules: Sequence[str], now: datetime) -> int:
        if not await self._late(rules, now):
            return 0
        why = "it was missed, and its rule says to skip it"
        missed: int = await self.store.write(
            lambda c, _: due.end_all(c, "missed", why, now, of=rules, before=now - LATE)
        )
        return missed

    async def _fire(self, rows: Sequence[Due], now: datetime) -> int:
        def plan(connection: Connection, changes: Changes) -> None:
            still = due.still(connection, [row.id for row in rows])
            self.fire(connection, changes, [row for row in rows if row.id in still], now)

        await self.store.change(plan)
        self.fired()
        return len(rows)

    async def _forget(self) -> None:
        """Rows whose rule has left the configuration fire no more."""
        names = [rule.name for rule in self.rules]
        await self.store.write(
            lambda c, _: due.end_all(c, "cancelled", "the rule is gone", self.now(), except_=names)
        )
