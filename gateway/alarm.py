"""What a person should look at: raised by rules, told as an event, a log line and a metric."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from gateway.metrics import Metrics
from gateway.record import to_json
from store import rows
from store.engine import StoreUnavailable
from store.events import append
from store.known import Changes
from store.rows import instant
from store.store import Store

log = structlog.get_logger()

_AGAIN = timedelta(hours=1)
_LOOK = 1.0  # seconds between looks


class Alarm(NamedTuple):
    """`kind` is stable, for programs; `reason` and `data` are for people, without customers' words.

    `cleared`: what was raised under this kind, with this data, is well again.
    """

    kind: str
    reason: str
    at: datetime
    data: Mapping[str, str]
    cleared: bool = False


@dataclass(slots=True)
class Alarms:
    """Raised in any thread; of one kind one in an hour. Told by `run`, as soon as the store takes it."""

    _last: dict[str, datetime] = field(default_factory=dict)
    _waiting: deque[Alarm] = field(default_factory=deque)

    def raise_(self, alarm: Alarm) -> None:
        last = self._last.get(alarm.kind)
        if last is None or alarm.at - last >= _AGAIN:
            self._last[alarm.kind] = alarm.at
            self._waiting.append(alarm)

    def report(self, alarm: Alarm) -> None:
        """A change of state, which is told each time."""
        self._waiting.append(alarm)

    async def run(self, store: Store, metrics: Metrics) -> None:
        """Tell what is raised, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            await self.tell(store, metrics)

    async def tell(self, store: Store, metrics: Metrics) -> None:
        """Everything that waits; what the store cannot take now waits on."""
        while self._waiting:
            alarm = self._waiting[0]
            try:
                await store.write(partial(_write, alarm))
            except StoreUnavailable:
                return
            self._waiting.popleft()
            if alarm.cleared:
                log.info("alarm.cleared", kind=alarm.kind, reason=alarm.reason, **alarm.data)
                continue
            metrics.alarmed(alarm.kind)
            log.error("alarm.raised", kind=alarm.kind, reason=alarm.reason, **alarm.data)


def _write(alarm: Alarm, connection: Connection, changes: Changes) -> None:
    data = to_json({"kind": alarm.kind, "reason": alarm.reason, **alarm.data})
    kind = "alarm.cleared" if alarm.cleared else "alarm.raised"
    append(connection, rows.Event(changes.new_id(), kind, None, instant(alarm.at), data))
