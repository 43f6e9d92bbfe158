"""What a person should look at: raised by rules, told once an hour as an event, a log line, a metric."""

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
    """`kind` is stable, for programs; `reason` and `data` are for people, without customers' words."""

    kind: str
    reason: str
    at: datetime
    data: Mapping[str, str]


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
            metrics.alarmed(alarm.kind)
            log.error("alarm.raised", kind=alarm.kind, reason=alarm.reason, **alarm.data)


def _write(alarm: Alarm, connection: Connection, changes: Changes) -> None:
    data = to_json({"kind": alarm.kind, "reason": alarm.reason, **alarm.data})
    append(connection, rows.Event(changes.new_id(), "alarm.raised", None, instant(alarm.at), data))
