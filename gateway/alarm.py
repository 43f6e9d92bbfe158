"""What a person should look at: raised by rules, told as an event, a log line and a metric."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, NamedTuple

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

Kind = Literal[
    "acknowledgements.robot",
    "acknowledgements.strangers",
    "alarms.undelivered",
    "channel.canary",
    "channel.login",
    "channel.month",
    "channel.sending",
    "channel.silent",
    "channel.trouble",
    "delivery.in_doubt",
    "follow_ups.missed",
    "message.quarantined",
    "part.fell",
    "staff.flood",
    "store.trouble",
]

LASTING: frozenset[Kind] = frozenset(
    {"channel.canary", "channel.login", "channel.month", "channel.sending", "channel.silent",
     "channel.trouble", "store.trouble"}
)  # fmt: skip  # what has an end, which is told

_AGAIN = timedelta(hours=1)
_LOOK = 1.0  # seconds between looks
_MOST = 1000  # alarms that wait for a store which is down


class Alarm(NamedTuple):
    """`kind` is stable, for programs; `reason` and `data` are for people, without customers' words.

    `cleared`: what was raised under this kind, with this data, is well again. `more` were raised
    since the last one that was told.
    """

    kind: Kind
    reason: str
    at: datetime
    data: Mapping[str, str]
    cleared: bool = False
    more: int = 0

    @property
    def about(self) -> str:
        """The channel that it is about; "" for the whole house."""
        return self.data.get("channel", "")


Write = Callable[[Alarm, Connection, Changes], None]


def _nobody(_: Alarm, __: Connection, ___: Changes) -> None:
    """Nobody is written to."""


def _nowhere(_: Alarm) -> None:
    """Nothing is posted."""


@dataclass(slots=True)
class Alarms:
    """Raised in any thread; of one kind one in an hour. Told by `run`, as soon as the store takes it.

    `write` is called in the transaction of the event, for whoever wants a letter of it; `post` at
    once, in whatever thread.
    """

    write: Write = _nobody
    post: Callable[[Alarm], None] = _nowhere
    _last: dict[str, datetime] = field(default_factory=dict)
    _more: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _waiting: deque[Alarm] = field(default_factory=lambda: deque(maxlen=_MOST))

    def raise_(self, alarm: Alarm) -> None:
        last = self._last.get(alarm.kind)
        # An alarm of the future is one of a clock that was set back since.
        if last is not None and abs(alarm.at - last) < _AGAIN:
            self._more[alarm.kind] += 1
            return
        self._last[alarm.kind] = alarm.at
        self.report(alarm._replace(more=self._more.pop(alarm.kind, 0)))

    def report(self, alarm: Alarm) -> None:
        """A change of state, which is told each time."""
        self._waiting.append(alarm)
        self.post(alarm)

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
                await store.change(partial(self._write, alarm))
            except StoreUnavailable:
                return
            self._waiting.popleft()
            fields = _fields(alarm)
            if alarm.cleared:
                log.info("alarm.cleared", **fields)
                continue
            metrics.alarmed(alarm.kind)
            log.error("alarm.raised", **fields)

    def _write(self, alarm: Alarm, connection: Connection, changes: Changes) -> None:
        kind = "alarm.cleared" if alarm.cleared else "alarm.raised"
        data = to_json(_fields(alarm))
        append(connection, rows.Event(changes.new_id(), kind, None, instant(alarm.at), data))
        self.write(alarm, connection, changes)


def _fields(alarm: Alarm) -> dict[str, object]:
    more = {"more": alarm.more} if alarm.more else {}
    return {"kind": alarm.kind, "reason": alarm.reason, **alarm.data, **more}
