"""Messages that did not reach their customer by the way they took, and what is known of others.

`outbox.astray` says why another way is looked for, until that is decided. What may have arrived all
the same is never looked at: whoever said it twice would do so on purpose.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, TextClause, func, or_, select, text, update

from store import rows, schema
from store.rows import instant, moment

DOWN = "down"  # of a channel that nothing can be sent on; the row waits for it meanwhile
_MOST = 50  # rows of one transaction
_STALE = timedelta(days=7)  # after which nobody sends an old answer anew

_o, _m, _i = schema.outbox.c, schema.messages.c, schema.identities.c
_c = schema.conversations.c
_ASTRAY = text("outbox.astray <> ''")  # as the partial index says it


class Lost(NamedTuple):
    """A message of ours that did not arrive, its delivery, and why."""

    delivery: int
    why: str
    message: rows.Message


class Way(NamedTuple):
    """An identity of a customer, and its last word to us, on whichever channel that was."""

    message: int
    identity_id: int
    address: str
    failing: bool
    channel: str
    heard_at: datetime
    authenticated: bool


def wait(connection: Connection, now: datetime, patience: timedelta) -> bool:
    """Whether there is anything to decide; a channel may be down for `patience`."""
    query = select(_o.id).where(*_due(now, patience)).limit(1)
    return connection.execute(query).first() is not None


def lost(connection: Connection, now: datetime, patience: timedelta) -> list[Lost]:
    """The oldest of them."""
    query = (
        select(_o.id, _o.astray, schema.messages)
        .join(schema.messages, _m.id == _o.message_id)
        .where(*_due(now, patience))
        .order_by(_o.id)
        .limit(_MOST)
        .with_for_update(skip_locked=True, of=schema.outbox)
    )
    return [Lost(row[0], row[1], rows.Message(*row[2:])) for row in connection.execute(query)]


def _due(now: datetime, patience: timedelta) -> tuple[ColumnElement[bool] | TextClause, ...]:
    waits = (_o.state == "deferred") & (_o.created_at < instant(now - patience))
    ended = or_(_o.state == "failed", waits)
    return (_ASTRAY, _o.doubted.is_(False), ended, _o.created_at > instant(now - _STALE))


def ways(connection: Connection, customer_id: int) -> list[Way]:
    """Where a customer wrote to us, the latest first."""
    own = select(_c.id).where(_c.customer_id == customer_id)
    last = (
        select(func.max(_m.id))
        .join(schema.identities, _i.id == _m.identity_id)
        .where(
            _i.customer_id == customer_id,
            _m.conversation_id.in_(own),
            _m.direction == "in",
            _m.kind == "message",
            _m.status == "stored",
        )
        .group_by(_m.identity_id, _m.channel)
    )
    query = (
        select(
            _m.id.label("message"),
            _i.id,
            _i.address,
            _i.failing_since,
            _m.channel,
            _m.received_at,
            _m.author,
        )
        .join(schema.identities, _i.id == _m.identity_id)
        .where(_m.id.in_(last))
        .order_by(_m.id.desc())
    )
    return [
        Way(
            row.message,
            row.id,
            row.address,
            row.failing_since is not None,
            row.channel,
            moment(row.received_at),
            bool(json.loads(row.author).get("authenticated")),
        )
        for row in connection.execute(query)
    ]


def tried(connection: Connection, message: rows.Message) -> frozenset[int]:
    """The identities to which this was sent so far: its own, and those of what it stands for."""
    found, at = {message.identity_id or 0}, message.instead_of
    while at is not None:
        query = select(_m.identity_id, _m.instead_of).where(_m.id == at)
        row = connection.execute(query).first()
        found.add(row.identity_id or 0 if row else 0)
        at = row.instead_of if row else None  # erased meanwhile
    return frozenset(found)


def parts(connection: Connection, message_id: int) -> list[rows.Part]:
    """What goes along with a message."""
    query = select(schema.parts).where(schema.parts.c.message_id == message_id)
    return [rows.Part(*row) for row in connection.execute(query.order_by(schema.parts.c.id))]


def decided(connection: Connection, deliveries: Sequence[int]) -> None:
    """Nobody looks for another way any more."""
    ended = update(schema.outbox).where(_o.id.in_(deliveries))
    connection.execute(ended.values(astray=""))


def give_up(connection: Connection, message_id: int, why: str) -> None:
    """What waits for its channel goes by another way, and so by this one never."""
    waiting = (_o.message_id == message_id) & _o.state.in_(["queued", "deferred"])
    ended = update(schema.outbox).where(waiting)
    connection.execute(ended.values(state="failed", error=why, lease_until=None))
