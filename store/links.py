"""Whose identities are whose: what a link between two customers rests on, and what it moves.

A message stands where its case stands, and a case in its customer's conversation; so a link has
moved everything once its identities, its cases and the messages of shared cases have moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, delete, exists, or_, select, update

from store import rows, schema

_i, _k, _c = schema.identities.c, schema.cases.c, schema.conversations.c
_m, _o, _f, _p, _l = (
    schema.messages.c,
    schema.outbox.c,
    schema.follow_ups.c,
    schema.participants.c,
    schema.links.c,
)


class Party(NamedTuple):
    """A customer with the conversation and the identities, the oldest first."""

    customer_id: int
    conversation_id: int
    identities: tuple[int, ...]


class Word(NamedTuple):
    """A message that an identity wrote, or that was written to it."""

    id: int
    case_id: int
    identity_id: int


class Refiled(NamedTuple):
    """A message that went from one case to another."""

    id: int
    was: int
    now: int


class Trace(msgspec.Struct, frozen=True):
    """What a link moved, by ids: as much as it takes to put everything back.

    `made` are the cases that it opened, `guests` the messages that stood in the other's cases
    before; `fresh`: the customer to whom the identities went was made for them.
    """

    identities: tuple[int, ...] = ()
    cases: tuple[int, ...] = ()
    messages: tuple[Refiled, ...] = ()
    made: tuple[int, ...] = ()
    guests: tuple[int, ...] = ()
    fresh: bool = False


NOTHING = Trace()


class Standing(NamedTuple):
    """Two customers, their cases by id, who wrote what in these, and who was let in to which."""

    source: Party
    target: Party
    cases: dict[int, rows.Case]
    words: tuple[Word, ...]
    admitted: frozenset[tuple[int, int]]


class Move(NamedTuple):
    """What leaves `source` for `target`; of `emptied` cases those go in which nothing is left.

    `forsaken`: the source was made by a link that is undone, and goes when nothing is left of it.
    """

    source: Party
    target: Party
    identities: tuple[int, ...]
    cases: tuple[int, ...]
    messages: tuple[Refiled, ...]
    emptied: tuple[int, ...] = ()
    forsaken: bool = False


def party(connection: Connection, customer_id: int) -> Party | None:
    """A customer as it stands; one that was merged into another has no identities."""
    query = select(_c.id).where(_c.customer_id == customer_id)
    conversation = connection.execute(query).scalar()
    if conversation is None:
        return None
    whose = select(_i.id).where(_i.customer_id == customer_id).order_by(_i.id)
    return Party(customer_id, conversation, tuple(connection.execute(whose).scalars()))


def owner(connection: Connection, identity_id: int) -> int | None:
    """The customer of an identity."""
    return connection.execute(select(_i.customer_id).where(_i.id == identity_id)).scalar()


def addressed(connection: Connection, address: str) -> int | None:
    """The identity with this address."""
    return connection.execute(select(_i.id).where(_i.address == address)).scalar()


def accounts(connection: Connection, identity_id: int, kind: str) -> frozenset[str]:
    """The addresses of one kind that the customer of an identity has."""
    whose = select(_i.customer_id).where(_i.id == identity_id).scalar_subquery()
    found = connection.execute(select(_i.address).where(_i.customer_id == whose)).scalars()
    return frozenset(one for one in found if one.startswith(f"{kind}:"))


def standing(connection: Connection, source: Party, target: Party) -> Standing:
    """What is known of two customers before something moves from one to the other."""
    here = (source.conversation_id, target.conversation_id)
    found = select(schema.cases).where(_k.conversation_id.in_(here))
    cases = {row.id: rows.Case(*row) for row in connection.execute(found)}
    words = (
        select(_m.id, _m.case_id, _m.identity_id)
        .join(schema.identities, _i.id == _m.identity_id)
        .where(
            _m.conversation_id.in_(here),
            _m.case_id.is_not(None),
            _i.customer_id.in_((source.customer_id, target.customer_id)),
        )
        .order_by(_m.id)
    )
    admitted = (
        select(_p.case_id, _p.identity_id)
        .join(schema.cases, _k.id == _p.case_id)
        .where(_k.conversation_id.in_(here), _p.removed_at.is_(None))
    )
    return Standing(
        source,
        target,
        cases,
        tuple(Word(*row) for row in connection.execute(words)),
        frozenset((row[0], row[1]) for row in connection.execute(admitted)),
    )


def get(connection: Connection, id_: int) -> rows.Link | None:
    row = connection.execute(select(schema.links).where(_l.id == id_)).first()
    return rows.Link(*row) if row is not None else None


def about(connection: Connection, customers: Iterable[int]) -> list[rows.Link]:
    """The links from or to these customers, the newest first; undone ones, too."""
    ids = list(customers)
    query = select(schema.links).where(or_(_l.customer_id.in_(ids), _l.other_id.in_(ids)))
    return [rows.Link(*row) for row in connection.execute(query.order_by(_l.id.desc()))]


def trace(link: rows.Link) -> Trace:
    """What a link moved."""
    return msgspec.json.decode(link.moved, type=Trace)


def pending(connection: Connection, case_id: int) -> list[rows.FollowUp]:
    """What waits in a case."""
    query = select(schema.follow_ups).where(_f.case_id == case_id, _f.state == "pending")
    return [rows.FollowUp(*row) for row in connection.execute(query.order_by(_f.id))]


def move(connection: Connection, wanted: Move) -> None:
    """Write what moves; cases that are new stand in the store already."""
    source, target = wanted.source, wanted.target
    to = {"customer_id": target.customer_id, "conversation_id": target.conversation_id}
    _each(connection, _IDENTITY, [{"row": i, "to": target.customer_id} for i in wanted.identities])
    _each(connection, _CASE, [{"row": id_, **to} for id_ in wanted.cases])
    for statement in _MESSAGE:
        _each(connection, statement, [{"row": one.id, "case": one.now} for one in wanted.messages])
    _settle(connection, source, target)
    for case in wanted.emptied:
        _remove_case(connection, case)
    if wanted.forsaken:
        _remove_customer(connection, source)


_IDENTITY = (
    update(schema.identities)
    .where(_i.id == bindparam("row"))
    .values(customer_id=bindparam("to"))
)  # fmt: skip
_CASE = (
    update(schema.cases)
    .where(_k.id == bindparam("row"))
    .values(customer_id=bindparam("customer_id"), conversation_id=bindparam("conversation_id"))
)
_MESSAGE = tuple(  # with what was asked in it
    update(table).where(table.c.id == bindparam("row")).values(case_id=bindparam("case"))
    for table in (schema.messages, schema.surveys)
)


def _each(connection: Connection, statement: Any, values: list[dict[str, Any]]) -> None:
    if values:
        connection.execute(statement, values)


def _settle(connection: Connection, source: Party, target: Party) -> None:
    """Everything else follows its case; what has none, such as a sticker, its identity."""
    moved = select(_k.id).where(_k.conversation_id == target.conversation_id)
    whose = select(_i.id).where(_i.customer_id == target.customer_id)
    connection.execute(
        update(schema.messages)
        .where(
            _m.conversation_id == source.conversation_id,
            or_(_m.case_id.in_(moved), _m.case_id.is_(None) & _m.identity_id.in_(whose)),
        )
        .values(conversation_id=target.conversation_id, customer_id=target.customer_id)
    )
    there = select(_m.id).where(_m.conversation_id == target.conversation_id)
    connection.execute(
        update(schema.outbox)
        .where(_o.conversation_id == source.conversation_id, _o.message_id.in_(there))
        .values(conversation_id=target.conversation_id)
    )
    connection.execute(
        update(schema.follow_ups)
        .where(_f.case_id.in_(moved), _f.conversation_id == source.conversation_id)
        .values(conversation_id=target.conversation_id)
    )
    given, there = schema.proofs, select(_m.case_id).where(_m.id == schema.proofs.c.message_id)
    ours = select(_i.id).where(_i.customer_id.in_((source.customer_id, target.customer_id)))
    connection.execute(
        update(given).where(given.c.identity_id.in_(ours)).values(case_id=there.scalar_subquery())
    )


def _remove_case(connection: Connection, id_: int) -> None:
    """A case that a link had opened, unless something stands in it by now."""
    used = or_(
        exists().where(_m.case_id == id_),
        exists().where(_p.case_id == id_),
        exists().where(_k.linked_case_id == id_),
    )
    if connection.execute(select(used)).scalar():
        return
    connection.execute(delete(schema.follow_ups).where(_f.case_id == id_))
    connection.execute(delete(schema.cases).where(_k.id == id_))


def _remove_customer(connection: Connection, party: Party) -> None:
    """A customer that a link had made, unless somebody is in it by now."""
    used = or_(
        exists().where(_i.customer_id == party.customer_id),
        exists().where(_k.conversation_id == party.conversation_id),
        exists().where(_m.conversation_id == party.conversation_id),
    )
    if connection.execute(select(used)).scalar():
        return
    connection.execute(delete(schema.conversations).where(_c.id == party.conversation_id))
    customers = schema.customers
    connection.execute(delete(customers).where(customers.c.id == party.customer_id))
