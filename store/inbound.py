"""Arrivals into the store: look up what a batch needs, let the rules decide, write it all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Dialect,
    Select,
    and_,
    bindparam,
    create_engine,
    func,
    or_,
    select,
    update,
)

from store import rows, schema
from store.known import Accepted, Arrival, Changes, Known, Person, Plan, Seen
from store.rows import instant

TABLES = {
    rows.Customer: schema.customers,
    rows.Identity: schema.identities,
    rows.Conversation: schema.conversations,
    rows.Case: schema.cases,
    rows.Blob: schema.blobs,
    rows.Message: schema.messages,
    rows.Part: schema.parts,
    rows.Ledger: schema.ledger,
    rows.Outbox: schema.outbox,
    rows.FollowUp: schema.follow_ups,
    rows.Event: schema.events,
}


def commit(
    connection: Connection, changes: Changes, arrivals: Sequence[Arrival], plan: Plan
) -> list[Accepted]:
    """Write a batch of arrivals in the caller's transaction; the answers are in their order."""
    known = load(connection, arrivals)
    accepted = [plan(known, arrival, changes) for arrival in arrivals]
    flush(connection, changes)
    return accepted


def load(connection: Connection, arrivals: Sequence[Arrival]) -> Known:
    """Everything that the rules may ask about these arrivals."""
    known = Known()
    _load_rereading(connection, arrivals, known)
    _load_units(connection, arrivals, known)
    _load_seen(connection, arrivals, known)
    _load_people(connection, arrivals, known)
    _load_cases(connection, arrivals, known)
    _load_spent(connection, arrivals, known)
    return known


def _load_units(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    t = schema.ledger.c
    query = select(t.channel, t.unit, t.outcome, t.message_id).where(
        t.unit.in_([a.unit for a in arrivals])
    )
    for channel, unit, outcome, message_id in connection.execute(query):
        known.units[channel, unit] = Accepted(message_id or 0, outcome)


def _load_seen(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    read = [(a, a.message) for a in arrivals if a.message is not None]
    fingerprints = [a.fingerprint for a in arrivals]
    ids = {m.message_id for _, m in read if m.message_id}
    # References are claims: they are looked up only where the author could follow one.
    for arrival, message in read:
        if arrival.author.authenticated or message.bounce or message.automatic.is_auto:
            ids.update(message.references)
            ids.add(message.in_reply_to)
    ids.discard("")
    t = schema.messages.c
    query = select(t.message_id, t.id, t.conversation_id, t.case_id, t.fingerprint).where(
        or_(t.fingerprint.in_(fingerprints), t.message_id.in_(sorted(ids)))
    )
    for message_id, *found in connection.execute(query):
        seen = Seen(*found)
        if seen.fingerprint:
            known.fingerprints[seen.fingerprint] = seen
        if message_id:
            known.message_ids[message_id].append(seen)


def _load_people(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    addresses = sorted({str(a.author.identity) for a in arrivals if a.author.identity})
    if not addresses:
        return
    i, k, c = schema.identities.c, schema.customers.c, schema.conversations.c
    query = (
        select(i.address, i.id, i.customer_id, c.id, k.language, i.failing_since)
        .join(schema.customers, k.id == i.customer_id)
        .join(schema.conversations, c.customer_id == i.customer_id)
        .where(i.address.in_(addresses))
    )
    for address, id_, customer, conversation, language, failing in connection.execute(query):
        known.people[address] = Person(id_, customer, conversation, language, failing is not None)


def _load_cases(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    t = schema.cases.c
    wanted = []
    if ids := _case_ids(arrivals, known):
        wanted.append(t.id.in_(sorted(ids)))
    for arrival in arrivals:
        wanted += _named_cases(arrival, known)
    if wanted:
        for row in connection.execute(select(schema.cases).where(or_(*wanted))):
            known.cases[row.id] = rows.Case(*row)


def _case_ids(arrivals: Sequence[Arrival], known: Known) -> set[int]:
    ids = {token.case_id for a in arrivals for token in a.tokens}
    ids |= {row.case_id for row in known.rereading.values() if row.case_id}
    ids |= {s.case_id for found in known.message_ids.values() for s in found if s.case_id}
    return ids


def _named_cases(arrival: Arrival, known: Known) -> list[Any]:
    """Open cases that an authenticated author names by a reference or by the same subject."""
    person = known.people.get(str(arrival.author.identity))
    if not (person and arrival.author.authenticated and arrival.message):
        return []
    t = schema.cases.c
    here = t.conversation_id == person.conversation_id
    named = [and_(here, t.base_subject == arrival.message.base_subject, t.status != "resolved")]
    if arrival.message.mentions:
        named.append(and_(here, t.reference.in_(arrival.message.mentions)))
    return named


def _load_spent(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    """Automatic messages of the last day and hour to whoever these arrivals would be answered."""
    asked = [a for a in arrivals if a.budget[0]]
    if not asked:
        return
    now = max(a.received_at for a in asked)
    spent, t = known.spent, schema.outbox.c
    conversations = sorted(
        {p.conversation_id for a in asked if (p := known.people.get(str(a.author.identity)))}
    )
    day, hour = now - timedelta(days=1), now - timedelta(hours=1)
    _count(connection, spent.sender_day, t.budget_key, {a.budget[0] for a in asked}, day)
    _count(connection, spent.conversation_day, t.conversation_id, conversations, day)
    _count(connection, spent.domain_hour, t.domain, {a.budget[1] for a in asked}, hour)
    recent = select(func.count()).where(t.automatic, t.created_at > bindparam("since"))
    since_hour = {"since": instant(hour)}
    strangers = recent.where(t.authenticated.is_(False))
    spent.unauthenticated_hour = connection.execute(strangers, since_hour).scalar_one()
    since_minute = {"since": instant(now - timedelta(minutes=1))}
    spent.all_minute = connection.execute(recent, since_minute).scalar_one()


def _count(
    connection: Connection, into: dict[Any, int], column: Any, values: Iterable[Any], since: Any
) -> None:
    t = schema.outbox.c
    query: Select[Any] = (
        select(column, func.count())
        .where(column.in_(sorted(values)), t.created_at > instant(since), t.automatic)
        .group_by(column)
    )
    into.update((value, count) for value, count in connection.execute(query))


def _load_rereading(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    ids = [a.rereads for a in arrivals if a.rereads]
    if ids:
        query = select(schema.messages).where(schema.messages.c.id.in_(ids))
        for row in connection.execute(query):
            known.rereading[row.id] = rows.Message(*row)


def flush(connection: Connection, changes: Changes) -> None:
    """Write the rows, parents first."""
    if changes.removed_parts:
        p = schema.parts
        connection.execute(p.delete().where(p.c.message_id.in_(changes.removed_parts)))
    for row_type, table in TABLES.items():
        if added := changes.added.get(row_type):
            connection.exec_driver_sql(insert_sql(table.name, connection.dialect), added)
    for table_name, id_, values in changes.updated:
        table = schema.metadata.tables[table_name]
        connection.execute(update(table).where(table.c.id == id_).values(**values))
    for case_id, reason in changes.cancelled:
        _cancel_follow_ups(connection, case_id, reason)
    for message_id, instead in changes.discarded:
        _discard(connection, message_id, instead)


def _discard(connection: Connection, message_id: int, instead: int) -> None:
    t = schema.ledger
    connection.execute(
        update(t)
        .where(t.c.message_id == message_id)
        .values(message_id=instead, outcome="duplicate", reason="the same mail came before")
    )
    connection.execute(schema.messages.delete().where(schema.messages.c.id == message_id))


def _cancel_follow_ups(connection: Connection, case_id: int, reason: str) -> None:
    t = schema.follow_ups
    connection.execute(
        update(t)
        .where(t.c.case_id == case_id, t.c.state == "pending")
        .values(state="cancelled", reason=reason)
    )


@lru_cache(maxsize=64)
def insert_sql(table_name: str, dialect: Dialect) -> str:
    """`INSERT` with positional parameters in the order of the table's columns, for `rows`' tuples.

    Written once per database: building it for each row would cost more than the row does.
    """
    table = schema.metadata.tables[table_name]
    style = "qmark" if dialect.name == "sqlite" else "format"
    positional = create_engine(f"{dialect.name}+{dialect.driver}://", paramstyle=style).dialect
    sql = str(table.insert().compile(dialect=positional))
    # One copy of the same bytes is enough, whoever brought them first.
    return sql + " ON CONFLICT (sha256) DO NOTHING" if table is schema.blobs else sql
