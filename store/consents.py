"""What customers have agreed to hear, with the evidence: each word of theirs is a row and stays."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, insert, select, update

from store import rows, schema
from store import shapes_notices as shapes
from store.known import Changes

PROMOTION = "promotion"

_c, _i, _k, _o = schema.consents.c, schema.identities.c, schema.conversations.c, schema.outbox.c
_m, _u = schema.messages.c, schema.customers.c
_r, _n = schema.notice_recipients.c, schema.notices.c


class Word(NamedTuple):
    """A yes or a no to promotion: where it was said (`source`), who wrote it down, and when."""

    given: bool
    source: str
    by: str
    at: str
    message_id: int | None = None


class Customer(NamedTuple):
    """Somebody who may agree: the identities that a word of theirs counts for."""

    id: int
    conversation_id: int
    identities: tuple[int, ...]


def customer(
    connection: Connection, id_: int | None = None, *, identity_id: int | None = None
) -> Customer | None:
    """A customer by id, or the one behind an identity; None if there is no such."""
    if id_ is None:
        id_ = connection.execute(select(_i.customer_id).where(_i.id == identity_id)).scalar()
    found = connection.execute(select(_k.id).where(_k.customer_id == id_)).scalar()
    if id_ is None or found is None:
        return None
    own = connection.execute(select(_i.id).where(_i.customer_id == id_).order_by(_i.id)).scalars()
    return Customer(id_, found, tuple(own))


def wrote_no(connection: Connection, who: Customer, since: str) -> bool:
    """Whether a customer has told us themselves since then that they want none."""
    query = select(_c.id).where(
        _c.identity_id.in_(who.identities),
        _c.purpose == PROMOTION,
        _c.given.is_(False),
        _c.message_id.is_not(None),
        _c.at > since,
    )
    return connection.execute(query.limit(1)).first() is not None


def language(connection: Connection, who: Customer) -> str:
    """What a customer wrote last, or first; "" when that is not known."""
    said = (
        select(_m.language)
        .where(
            _m.conversation_id == who.conversation_id,
            _m.identity_id.in_(who.identities),
            _m.direction == "in",
            _m.language != "",
        )
        .order_by(_m.id.desc())
        .limit(1)
    )
    first = select(_u.language).where(_u.id == who.id)
    return connection.execute(said).scalar() or connection.execute(first).scalar() or ""


def say(connection: Connection, changes: Changes, who: Customer, word: Word) -> bool:
    """Keep a word, for each identity: so it stays with them through merge and split.

    After a no, promotions that have not left yet never will. Returns whether anything is new.
    """
    before = agreed(latest(connection, who.identities).values())
    if before is word.given or not who.identities:
        return False
    values = [
        {"id": changes.new_id(), "identity_id": one, "purpose": PROMOTION, "given": word.given,
         "source": word.source, "author": word.by, "at": word.at, "message_id": word.message_id}
        for one in who.identities
    ]  # fmt: skip
    connection.execute(insert(schema.consents), values)
    told = {"customer_id": who.id, "promotion": word.given, "source": word.source, "by": word.by,
            "message_id": word.message_id}  # fmt: skip
    changes.add(
        rows.Event(changes.new_id(), "consent.changed", who.conversation_id, word.at, _json(told))
    )
    if not word.given:
        _recall(connection, changes, who.identities, word.at)
    return True


def latest(connection: Connection, identities: Collection[int]) -> dict[int, bool]:
    """The last word of each of these identities; who never said any is missing."""
    last = (
        select(func.max(_c.id))
        .where(_c.identity_id.in_(identities), _c.purpose == PROMOTION)
        .group_by(_c.identity_id)
    )
    found = connection.execute(select(_c.identity_id, _c.given).where(_c.id.in_(last)))
    return {identity: bool(given) for identity, given in found}


def agreed(words: Collection[bool]) -> bool | None:
    """What the last words of one customer's identities say together: any no is a no."""
    return all(words) if words else None


def history(connection: Connection, who: Customer) -> shapes.Consents:
    """What holds now, and the words that say so, the newest first."""
    query = (
        select(
            _c.given.label("promotion"),
            _c.source,
            _c.author.label("by"),
            _c.at,
            _c.message_id,
            _i.address,
        )
        .join(schema.identities, _i.id == _c.identity_id)
        .where(_c.identity_id.in_(who.identities), _c.purpose == PROMOTION)
        .order_by(_c.id.desc())
        .limit(200)
    )
    found = [row._asdict() for row in connection.execute(query)]
    words = [shapes.Consent(**row | {"promotion": bool(row["promotion"])}) for row in found]
    now = agreed(latest(connection, who.identities).values())
    return shapes.Consents(customer_id=who.id, promotion=now, evidence=words)


def _recall(connection: Connection, changes: Changes, identities: Sequence[int], at: str) -> None:
    """What is queued already shall not go out either; what is being sent cannot be stopped."""
    query = (
        select(_o.id, _o.message_id, _o.conversation_id, _o.channel)
        .join(schema.notice_recipients, _r.message_id == _o.message_id)
        .join(schema.notices, and_(_n.id == _r.notice_id, _n.kind == PROMOTION))
        .where(_r.identity_id.in_(identities), _o.state.in_(["queued", "deferred", "draft"]))
        .with_for_update(of=schema.outbox)
    )
    found = connection.execute(query).all()
    if not found:
        return
    why = "the customer wants no promotions any more"
    ids = [row.id for row in found]
    connection.execute(
        update(schema.outbox).where(_o.id.in_(ids)).values(state="failed", error=why)
    )
    for row in found:
        told = {"message_id": row.message_id, "channel": row.channel, "error": why}
        changes.add(
            rows.Event(changes.new_id(), "delivery.failed", row.conversation_id, at, _json(told))
        )


def _json(data: Mapping[str, object]) -> str:
    return json.dumps(data, ensure_ascii=False)
