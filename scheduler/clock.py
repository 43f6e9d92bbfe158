"""The clock: it ticks once a second and fires what is due, each row once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from sqlalchemy import Connection

from scheduler.pace import A_MASS, LATE, SPREAD, Lanes, is_mass
from scheduler.rules import Rule
from store import due
from store.due import Due
from store.engine import StoreUnavailable
from store.known import Changes
from store.store import Store

log = structlog.get_logger()

BATCH = 200  # rows in one transaction: few enough that nobody's 250 waits for them
_TICK: Final = timedelta(seconds=1)


class Fire(Protocol):
    """Turns due rows into what they say, in the transaction that ends them."""

    def __call__(
        self, connection: Connection, changes: Changes, rows: Sequence[Due], now: datetime, /
    ) -> None: ...


class EverySecond(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """A tick a second from now, whatever came before.

    An interval's trigger counts each second since the last tick: of a clock that is set a year
    forward, that holds up the whole process for half a minute.
    """

    def get_next_fire_time(self, _: datetime | None, now: datetime) -> datetime:
        return now + _TICK


@dataclass(slots=True)
class Clock:
    """Fires the rows of `rules`; `fired()` wakes whoever delivers. `beside` is done with each look.

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
    beside: Callable[[], Awaitable[int]] | None = None
    _spreading: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Tick until cancelled."""
        ticked = asyncio.Event()

        async def tick() -> None:
            ticked.set()

        scheduler = AsyncIOScheduler(timezone=UTC)
        job = scheduler.add_job(tick, EverySecond(), misfire_grace_time=None, coalesce=True)
        scheduler.start()
        try:
            await self._forget()
            while True:
                await self.look()
                await _next(ticked, job)
        finally:
            scheduler.shutdown(wait=False)

    async def look(self) -> int:
        """Do everything that may be done now; returns how much that was."""
        try:
            return await self._look(self.now()) + await self._beside()
        except StoreUnavailable as error:
            log.warning("clock.store_down", reason=str(error))
            return 0

    async def _look(self, now: datetime) -> int:
        lanes, before = Lanes.of(self.rules), now - LATE
        count = 0
        while rows := await self.store.read(lambda c: due.due(c, now, BATCH, late=before)):
            count += await self._fire(rows, now)
        count += await self._skip(lanes.skip, now)
        while rows := await self._missed(lanes.ours, now, BATCH):
            count += await self._fire(rows, now)
        customers = (*lanes.first, *lanes.spread)
        late = await self._late(customers, now)
        self._spread(late)
        if self._spreading:
            first = await self._missed(lanes.first, now, 1)
            rows = first or await self._missed(lanes.spread, now, 1)
            return count + await self._fire(rows, now, SPREAD)
        while late and (rows := await self._missed(customers, now, BATCH)):
            count += await self._fire(rows, now)
        return count

    async def _beside(self) -> int:
        count = await self.beside() if self.beside else 0
        if count:
            self.fired()
        return count

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

    async def _fire(
        self, rows: Sequence[Due], now: datetime, every: timedelta | None = None
    ) -> int:
        """Fire rows that nobody else has fired; if `every`, only so long after the last such turn."""

        def plan(connection: Connection, changes: Changes) -> int:
            if every and not due.take_turn(connection, changes.new_id(), now, every):
                return 0
            still = due.still(connection, [row.id for row in rows])
            self.fire(connection, changes, [row for row in rows if row.id in still], now)
            return len(rows)

        count = await self.store.change(plan)
        self.fired()
        return count

    async def _forget(self) -> None:
        """Rows whose rule has left the configuration fire no more."""
        names = [rule.name for rule in self.rules]
        await self.store.write(
            lambda c, _: due.end_all(c, "cancelled", "the rule is gone", self.now(), except_=names)
        )


async def _next(ticked: asyncio.Event, job: Any) -> None:
    """Wait for a tick. APScheduler waits by the wall clock: as long as that is set back."""
    ticked.clear()
    try:
        async with asyncio.timeout(2 * _TICK.total_seconds()):
            await ticked.wait()
    except TimeoutError:
        job.modify(next_run_time=datetime.now(UTC))
