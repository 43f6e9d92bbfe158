"""What `audit` and `why` ask: is every transport unit accounted for, and why did we do what we did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, or_, select

from store import schema

_m, _l, _o = schema.messages.c, schema.ledger.c, schema.outbox.c


class Count(NamedTuple):
    """How many rows of a channel are in one state."""

    channel: str
    state: str
    rows: int


class Open(NamedTuple):
    """Something that has no good end yet, by its id and what is known of it."""

    what: str
    id: int
    channel: str
    about: str


class Audit(NamedTuple):
    """Everything seen, everything sent, and each thing that a person should look at.

    `source` is what the channels' own sources hold, where they were asked.
    """

    seen: tuple[Count, ...]
    stored: tuple[Count, ...]
    sent: tuple[Count, ...]
    open: tuple[Open, ...]
    source: tuple[Count, ...] = ()


def audit(connection: Connection) -> Audit:
    """The ledger against the messages; `open` is empty when all is well."""
    return Audit(
        _counts(connection, _l.channel, _l.outcome),
        _counts(connection, _m.channel, _m.status, _m.direction == "in"),
        _counts(connection, _o.channel, _o.state),
        (*_lost(connection), *_unread(connection), *_undelivered(connection)),
    )


def _counts(connection: Connection, channel: Any, state: Any, *where: Any) -> tuple[Count, ...]:
    query = select(channel, state, func.count()).where(*where).group_by(channel, state)
    return tuple(Count(*row) for row in connection.execute(query.order_by(channel, state)))


def _lost(connection: Connection) -> list[Open]:
    """Units that were accepted and lead to no message: this must never happen."""
    query = (
        select(_l.id, _l.channel, _l.unit)
        .outerjoin(schema.messages, _m.id == _l.message_id)
        .where(_l.outcome != "refused", _m.id.is_(None))
    )
    return [Open("no message", *row) for row in connection.execute(query)]


def _unread(connection: Connection) -> list[Open]:
    query = select(_m.status, _m.id, _m.channel, _m.subject).where(
        _m.status.in_(["unread", "quarantined"])
    )
    return [Open(*row) for row in connection.execute(query.order_by(_m.id))]


def _undelivered(connection: Connection) -> list[Open]:
    query = select(_o.state, _o.message_id, _o.channel, _o.error).where(
        _o.state.in_(["in_doubt", "failed"])
    )
    return [Open(*row) for row in connection.execute(query.order_by(_o.id))]


class Story(NamedTuple):
    """One message: what it is, how it came or went, and each decision with its reason."""

    id: int
    direction: str
    kind: str
    channel: str
    status: str
    message_id: str
    subject: str
    received_at: str
    decisions: tuple[dict[str, str], ...]
    receipts: tuple[tuple[str, str, str, str], ...]
    deliveries: tuple[tuple[str, int, str, str], ...]
    authentication: tuple[dict[str, str], ...] = ()


def story(connection: Connection, name: str) -> Story | None:
    """A message by its id or its Message-ID, with or without angle brackets."""
    wanted = [_m.message_id == name.strip().strip("<>")]
    if name.isascii() and name.isdigit() and len(name) < 19:
        wanted.append(_m.id == int(name))
    row = connection.execute(
        select(schema.messages).where(or_(*wanted)).order_by(_m.id).limit(1)
    ).first()
    if row is None:
        return None
    receipts = select(_l.at, _l.unit, _l.outcome, _l.reason).where(_l.message_id == row.id)
    answers = select(_o.state, _o.attempts, _o.due_at, _o.error).where(_o.message_id == row.id)
    return Story(
        row.id,
        row.direction,
        row.kind,
        row.channel,
        row.status,
        row.message_id,
        row.subject,
        row.received_at,
        tuple(json.loads(row.decisions)),
        tuple(tuple(receipt) for receipt in connection.execute(receipts)),
        tuple(tuple(answer) for answer in connection.execute(answers)),
        tuple(json.loads(row.reading).get("authentication", ())),
    )


def known_units(connection: Connection, channel: str, units: Sequence[str]) -> set[str]:
    """Which of these transport units the ledger has already."""
    query = select(_l.unit).where(_l.channel == channel, _l.unit.in_(units))
    return set(connection.execute(query).scalars())
