"""Erase a customer (GDPR, article 17): every row with their words or their name, and the files.

What the ledger knows of a transport unit stays without its facts: otherwise a mailbox would bring
the mail again. Events stay as lines without data, so that no cursor has a gap.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, update

from store import links, notes, schema

_i, _k, _c, _m, _b = (
    schema.identities.c,
    schema.cases.c,
    schema.conversations.c,
    schema.messages.c,
    schema.blobs.c,
)
_MANY = 500  # ids in one statement


class Erased(NamedTuple):
    """What went: how many messages, and the contents that were files, by SHA-256."""

    conversation_id: int
    messages: int
    files: tuple[str, ...]


class _Whole(NamedTuple):
    """Everything that is one customer's, by ids."""

    customers: Sequence[int]
    conversations: Sequence[int]
    identities: Sequence[int]
    cases: Sequence[int]
    messages: Sequence[int]


def erase(connection: Connection, party: links.Party) -> Erased:
    """Delete a customer with all that was merged into it; the files are the caller's to delete."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    customers = sorted(_merged(connection, party.customer_id))
    found = select(_i.address).where(_i.customer_id.in_(customers)).order_by(_i.id)
    addresses = connection.execute(found).scalars().all()
    whole = _whole(connection, customers, addresses)
    contents = _contents(connection, whole.messages)
    _blank(connection, whole, addresses)
    for one in addresses:
        notes.forget(connection, one)
    _delete(connection, whole)
    files = _delete_contents(connection, contents)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = OFF")
    return Erased(party.conversation_id, len(whole.messages), files)


def _whole(connection: Connection, customers: Sequence[int], addresses: Sequence[str]) -> _Whole:
    conversations = _ids(connection, _c.id, _c.customer_id.in_(customers))
    identities = _ids(connection, _i.id, _i.customer_id.in_(customers))
    theirs: list[ColumnElement[bool]] = [
        _m.conversation_id.in_(conversations),
        _m.identity_id.in_(identities),
    ]
    for one in addresses:  # spam is in no conversation
        written = _holds(connection, _m.author, json.dumps(one, ensure_ascii=False))
        theirs.append(_m.conversation_id.is_(None) & written)
    return _Whole(
        customers,
        conversations,
        identities,
        _ids(connection, _k.id, _k.conversation_id.in_(conversations)),
        _ids(connection, _m.id, or_(*theirs)),
    )


def _merged(connection: Connection, customer_id: int) -> set[int]:
    """A customer, and those that are part of it by now."""
    found, new = {customer_id}, [customer_id]
    for one in new:
        for link in links.about(connection, [one]):
            is_into = link.kind == "merge" and link.customer_id == one and link.undone_at is None
            if (
                is_into
                and link.other_id not in found
                and not _is_somebody(connection, link.other_id)
            ):
                found.add(link.other_id)
                new.append(link.other_id)
    return found


def _is_somebody(connection: Connection, customer_id: int) -> bool:
    found = links.party(connection, customer_id)
    return found is not None and bool(found.identities)


def _ids(connection: Connection, column: Any, where: Any) -> tuple[int, ...]:
    return tuple(connection.execute(select(column).where(where).order_by(column)).scalars())


def _holds(connection: Connection, column: Any, words: str) -> ColumnElement[bool]:
    """Whether a text has these very words in it."""
    position = func.instr if connection.dialect.name == "sqlite" else func.strpos
    return position(column, words) > 0


def _contents(connection: Connection, messages: Sequence[int]) -> set[str]:
    """The bytes behind these messages."""
    parts = schema.parts.c
    found: set[str | None] = set()
    for some in _some(messages):
        found |= set(connection.execute(select(_m.raw_sha256).where(_m.id.in_(some))).scalars())
        of = select(parts.sha256).where(parts.message_id.in_(some))
        found |= set(connection.execute(of).scalars())
    return {one for one in found if one}


def _some(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(ids), _MANY):
        yield ids[start : start + _MANY]


def _delete(connection: Connection, whole: _Whole) -> None:
    """Children first: a row that belongs to what goes, goes; one that only refers to it, forgets it."""
    gone = whole._asdict()
    ledger = schema.ledger
    for some in _some(whole.messages):
        blank = update(ledger).where(ledger.c.message_id.in_(some))
        connection.execute(blank.values(transport="{}", reason="erased"))
    for table in reversed(schema.metadata.sorted_tables):
        # A case of others may refer to one that goes: first it forgets, then the other is deleted.
        for column in sorted(table.columns, key=lambda one: not one.nullable):
            for key in column.foreign_keys:
                for some in _some(gone.get(key.column.table.name, ())):
                    _let_go(connection, column, some)
        for some in _some(gone.get(table.name, ())):
            connection.execute(delete(table).where(table.c.id.in_(some)))
    told = schema.notice_recipients
    connection.execute(delete(told).where(told.c.customer_id.in_(whole.customers)))
    t = schema.links
    theirs = or_(t.c.customer_id.in_(whole.customers), t.c.other_id.in_(whole.customers))
    connection.execute(delete(t).where(theirs))
    told = schema.notice_recipients
    connection.execute(delete(told).where(told.c.customer_id.in_(whole.customers)))


def _let_go(connection: Connection, column: Any, of: Sequence[int]) -> None:
    table, refers = column.table, column.in_(of)
    if column.nullable:
        connection.execute(update(table).where(refers).values({column.name: None}))
    else:
        connection.execute(delete(table).where(refers))


def _blank(connection: Connection, whole: _Whole, addresses: Sequence[str]) -> None:
    """What tells of them elsewhere: events, and answers that are kept for a repeated request."""
    events, requests = schema.events.c, schema.requests.c
    told: list[ColumnElement[bool]] = [events.conversation_id.in_(whole.conversations)]
    names = sorted({name for one in addresses for name in _written(one)})
    told += [_holds(connection, events.data, words) for words in names]
    connection.execute(update(schema.events).where(or_(*told)).values(data="{}"))
    for one in addresses:
        connection.execute(delete(schema.notes).where(_about(one)))
    names += [f'"conversation_id":{one},' for one in whole.conversations]
    names += [f'"customer_id":{one},' for one in whole.customers]
    kept = or_(*(_holds(connection, requests.answer, words) for words in names))
    connection.execute(delete(schema.requests).where(kept))


def _about(identity: str) -> ColumnElement[bool]:
    """The notes that a channel keeps about somebody: their names end in the address."""
    _, _, address = identity.partition(":")
    return schema.notes.c.name.endswith(f":{address}", autoescape=True)


def _written(identity: str) -> Collection[str]:
    """How an identity stands in other texts; the bare id of a messenger could be any number."""
    _, _, address = identity.partition(":")
    bare = {identity, address} if "@" in address else {identity}
    return {form for one in bare for form in (one, json.dumps(one)[1:-1])}


def _delete_contents(connection: Connection, contents: Collection[str]) -> tuple[str, ...]:
    """Bytes that no other message has; those of them that are files."""
    parts = schema.parts.c
    files: list[str] = []
    for some in _some(sorted(contents)):
        kept = set(connection.execute(select(parts.sha256).where(parts.sha256.in_(some))).scalars())
        raw = select(_m.raw_sha256).where(_m.raw_sha256.in_(some))
        kept |= set(connection.execute(raw).scalars())
        gone = [one for one in some if one not in kept]
        large = select(_b.sha256).where(_b.sha256.in_(gone), _b.data.is_(None))
        files += connection.execute(large).scalars()
        connection.execute(delete(schema.blobs).where(_b.sha256.in_(gone)))
    return tuple(files)
