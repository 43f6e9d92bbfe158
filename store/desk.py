"""What the desk has to know about a case before somebody speaks in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, or_, select

from store import rows, schema

_LOOKED_AT = 20  # messages from the newest, among which the last word of a person is looked for

_m, _i, _k, _c = schema.messages.c, schema.identities.c, schema.cases.c, schema.conversations.c


class Heard(NamedTuple):
    """A message that came in, and what an answer needs of it."""

    id: int
    case_id: int | None
    channel: str
    identity: str
    name: str
    message_id: str
    references: tuple[str, ...]
    subject: str
    is_automatic: bool


class Known(NamedTuple):
    """An identity: whose it is, and whether what we send there comes back."""

    id: int
    customer_id: int
    conversation_id: int
    address: str
    name: str
    failing: bool


class Facts(NamedTuple):
    """A case as somebody finds it who wants to speak in it.

    `heard` is the newest first, this case before others of the conversation; `ours` are what we
    sent in it, by id and Message-ID, the oldest first.
    """

    case: rows.Case
    heard: tuple[Heard, ...]
    ours: tuple[tuple[int, str], ...]
    identities: tuple[Known, ...]


def facts(connection: Connection, case_id: int) -> Facts | None:
    """Everything about a case that an answer rests on; None when there is no such case."""
    row = connection.execute(select(schema.cases).where(_k.id == case_id)).first()
    if row is None:
        return None
    case = rows.Case(*row)
    # Participants are written to when a person names them, and never because they wrote last.
    own = or_(_i.id.is_(None), _i.customer_id == case.customer_id)
    heard = _heard(connection, and_(own, _m.conversation_id == case.conversation_id))
    here = _heard(connection, and_(own, _m.case_id == case.id))
    return Facts(
        case,
        (*here, *(one for one in heard if one.case_id != case.id)),
        _ours(connection, case.id),
        tuple(identities(connection, _i.customer_id == case.customer_id).values()),
    )


def _heard(connection: Connection, where: Any) -> list[Heard]:
    query = (
        select(
            _m.id, _m.case_id, _m.channel, _i.address, _i.name, _m.message_id, _m.references, _m.subject,
            _m.reading,
        )
        .outerjoin(schema.identities, _i.id == _m.identity_id)
        .where(where, _m.direction == "in", _m.kind == "message", _m.status == "stored")
        .order_by(_m.id.desc())
        .limit(_LOOKED_AT)
    )  # fmt: skip
    return [
        Heard(
            row.id,
            row.case_id,
            row.channel,
            row.address or "",
            row.name or "",
            row.message_id,
            tuple(json.loads(row.references)),
            row.subject,
            bool(json.loads(row.reading).get("automatic", {}).get("is_auto")),
        )
        for row in connection.execute(query)
    ]


def _ours(connection: Connection, case_id: int) -> tuple[tuple[int, str], ...]:
    query = (
        select(_m.id, _m.message_id)
        .where(
            _m.case_id == case_id,
            _m.direction == "out",
            _m.kind.not_in(["note", "notice"]),
            _m.message_id != "",
        )
        .order_by(_m.id.desc())
        .limit(5)
    )
    return tuple((row[0], row[1]) for row in connection.execute(query))[::-1]


def identities(connection: Connection, where: Any) -> dict[str, Known]:
    """Identities by their address, with the conversation behind each."""
    query = (
        select(_i.id, _i.customer_id, _c.id, _i.address, _i.name, _i.failing_since)
        .join(schema.conversations, _c.customer_id == _i.customer_id)
        .where(where)
        .order_by(_i.id)
    )
    found = (Known(*row[:5], row[5] is not None) for row in connection.execute(query))
    return {one.address: one for one in found}


def addressed(connection: Connection, addresses: Iterable[str]) -> dict[str, Known]:
    """The identities among these addresses that we know."""
    wanted = list(addresses)
    return identities(connection, _i.address.in_(wanted)) if wanted else {}


def person(connection: Connection, id_: int) -> Known | None:
    """An identity by its id."""
    return next(iter(identities(connection, _i.id == id_).values()), None)


def conversation(connection: Connection, id_: int) -> tuple[int, int] | None:
    """A conversation and its customer."""
    row = connection.execute(select(_c.id, _c.customer_id).where(_c.id == id_)).first()
    return (row[0], row[1]) if row else None


def text_of(connection: Connection, message_id: int) -> str:
    """What stands in a message."""
    found: str = connection.execute(select(_m.text).where(_m.id == message_id)).scalar_one()
    return found


class Said(NamedTuple):
    """Words of a case, and when they were said."""

    text: str
    at: str


class LastWords(NamedTuple):
    """What the customer said last in a case and what a person of ours did, and by when we promised
    an answer.
    """

    heard: Said | None
    said: Said | None
    promised_by: str | None


def last_words(connection: Connection, case_id: int) -> LastWords:
    """What somebody has to read first who takes over a case."""
    heard = _m.kind == "message", _m.direction == "in"
    promised = select(func.max(_m.promised_by)).where(_m.case_id == case_id)
    return LastWords(
        _last(connection, case_id, *heard),
        _last(connection, case_id, _m.kind == "reply"),
        connection.execute(promised).scalar(),
    )


def _last(connection: Connection, case_id: int, *where: Any) -> Said | None:
    query = (
        select(func.coalesce(func.nullif(_m.reply_text, ""), _m.text), _m.received_at)
        .where(_m.case_id == case_id, *where)
        .order_by(_m.id.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return Said(*row) if row else None


def name_of(connection: Connection, customer_id: int) -> str:
    """The name on record of a customer; "" for none."""
    customers = schema.customers.c
    query = select(customers.name).where(customers.id == customer_id)
    return connection.execute(query).scalar() or ""


def language_of(connection: Connection, case_id: int) -> str:
    """In which language the customer wrote last in a case; "" when nobody can tell."""
    query = (
        select(_m.language)
        .where(_m.case_id == case_id, _m.direction == "in", _m.kind == "message", _m.language != "")
        .order_by(_m.id.desc())
        .limit(1)
    )
    return str(connection.execute(query).scalar() or "")
