"""Arrivals into the store: look up what a batch needs, let the rules decide, write it all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    or_,
    select,
    update,
)

from normalizer.message import Message
from store import returned, rows, schema
from store.bulk import insert, pipelined
from store.doors import load_admitted, load_facts, load_given
from store.due import cancel
from store.kept import require_kept
from store.known import Accepted, Arrival, Budget, Changes, Known, Person, Plan, Seen
from store.messengers import load_choices, load_last_words, load_reported, tell
from store.prepared import Prepared, is_findable
from store.proofs import load_kinds, load_shown
from store.renamed import load_renamed
from store.rows import TABLES
from store.spent import load_spent, load_watched
from store.surveys import load_surveys


def commit(
    connection: Connection, changes: Changes, arrivals: Sequence[Arrival], plan: Plan
) -> list[Accepted]:
    """Write a batch of arrivals in the caller's transaction; the answers are in their order."""
    require_kept(connection, arrivals)
    known = load(connection, arrivals, plan.counted)
    if plan.offers:
        load_kinds(connection, arrivals, known)
    if plan.watches:
        load_watched(connection, arrivals, plan.counted, known)
    accepted = [plan(known, arrival, changes) for arrival in arrivals]
    flush(connection, changes)
    return accepted


def load(connection: Connection, arrivals: Sequence[Arrival], counted: frozenset[Budget]) -> Known:
    """Everything that the rules may ask about these arrivals."""
    known = Known()
    _load_rereading(connection, arrivals, known)
    _load_units(connection, arrivals, known)
    _load_seen(connection, arrivals, known)
    _load_people(connection, arrivals, known)
    load_given(connection, arrivals, known)
    load_facts(connection, arrivals, known)
    load_surveys(connection, arrivals, known)
    _load_cases(connection, arrivals, known)
    load_admitted(connection, arrivals, known)
    load_last_words(connection, arrivals, known)
    load_reported(connection, arrivals, known)
    load_choices(connection, arrivals, known)
    load_shown(connection, arrivals, known)
    load_spent(connection, arrivals, counted, known)
    return known


def _one_of(column: Any, name: str) -> Any:
    return column.in_(bindparam(name, expanding=True))


# Statements are built once: building one costs more than running it.
_i, _k, _c, _l, _m, _o = (
    schema.identities.c,
    schema.customers.c,
    schema.conversations.c,
    schema.ledger.c,
    schema.messages.c,
    schema.outbox.c,
)
_UNITS = Prepared(
    select(_l.channel, _l.unit, _l.outcome, _l.message_id).where(
        _l.channel == bindparam("channel"), _one_of(_l.unit, "units")
    )
)
_SEEN = Prepared(
    select(_m.message_id, _m.id, _m.conversation_id, _m.case_id, _m.fingerprint).where(
        or_(_one_of(_m.fingerprint, "fingerprints"), _one_of(_m.message_id, "ids"))
    )
)
_PEOPLE = Prepared(
    select(_i.address, _i.id, _i.customer_id, _c.id, _k.language, _i.failing_since, _k.name)
    .join(schema.customers, _k.id == _i.customer_id)
    .join(schema.conversations, _c.customer_id == _i.customer_id)
    .where(_one_of(_i.address, "addresses"))
)


def _load_units(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    units: dict[str, list[str]] = defaultdict(list)
    for arrival in arrivals:
        units[arrival.channel].append(arrival.unit)
    for one, listed in units.items():
        for channel, unit, outcome, message_id in _UNITS.run(connection, channel=one, units=listed):
            known.units[channel, unit] = Accepted(message_id or 0, outcome)


def _load_seen(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    ids: set[str] = set()
    for arrival in arrivals:
        if arrival.message:
            ids |= _named_ids(arrival, arrival.message)
    ids.discard("")
    fingerprints = [a.fingerprint for a in arrivals]
    for message_id, *found in _SEEN.run(connection, fingerprints=fingerprints, ids=list(ids)):
        seen = Seen(*found)
        if seen.fingerprint:
            known.fingerprints[seen.fingerprint] = seen
        if message_id:
            known.message_ids[message_id].append(seen)
    load_renamed(connection, ids, known)


def _named_ids(arrival: Arrival, message: Message) -> set[str]:
    """References are claims: they are looked up only where the author could follow one."""
    ids = {message.message_id}
    if message.bounce:
        ids.add(message.bounce.original_message_id)
    if message.group or message.edits:
        ids |= {message.group, message.edits}
    if arrival.author.authenticated:
        ids.update(message.references)
        ids.add(message.in_reply_to)
    return ids


def _load_people(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    addresses = {str(a.author.identity) for a in arrivals if a.author.identity}
    if not addresses:
        return
    found = _PEOPLE.run(connection, addresses=list(addresses))
    for address, id_, customer, conversation, language, failing, name in found:
        known.people[address] = Person(
            id_, customer, conversation, language, failing is not None, name
        )


def _load_cases(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    t = schema.cases.c
    wanted = []
    if ids := _case_ids(arrivals, known):
        wanted.append(t.id.in_(sorted(ids)))
    for arrival in arrivals:
        wanted += _named_cases(arrival, known)
        if arrival.echoes:
            wanted.append(t.reference.in_(arrival.echoes))
    if wanted:
        for row in connection.execute(select(schema.cases).where(or_(*wanted))):
            known.cases[row.id] = rows.Case(*row)


def _case_ids(arrivals: Sequence[Arrival], known: Known) -> set[int]:
    ids = {token.case_id for a in arrivals for token in (*a.tokens, *a.held)}
    ids |= {row.case_id for row in known.rereading.values() if row.case_id}
    ids |= {given.case_id for given in known.given.values() if given.case_id}
    ids |= {survey.case_id for survey in known.surveys.values()}
    ids |= {s.case_id for found in known.message_ids.values() for s in found if s.case_id}
    return ids


def _named_cases(arrival: Arrival, known: Known) -> list[Any]:
    """Open cases that an authenticated author names by a reference or by the same subject."""
    person = known.people.get(str(arrival.author.identity))
    if not (person and arrival.author.authenticated and arrival.message):
        return []
    t = schema.cases.c
    here = t.conversation_id == person.conversation_id
    if arrival.gap:
        return [here]
    named = []
    if is_findable(arrival.message.base_subject):
        same = t.base_subject == arrival.message.base_subject
        named.append(and_(here, same, t.status != "resolved"))
    if mentions := list(filter(is_findable, arrival.message.mentions)):
        named.append(and_(here, t.reference.in_(mentions)))
    return named


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
    with pipelined(connection):
        for row_type in TABLES:
            if added := changes.added.get(row_type):
                insert(connection, added)
    for table_name, id_, values in changes.updated:
        table = schema.metadata.tables[table_name]
        connection.execute(update(table).where(table.c.id == id_).values(**values))
    for message_id, instead in changes.discarded:
        _discard(connection, message_id, instead)
    for message_id, outcome in changes.regraded:
        _regrade(connection, message_id, outcome)
    for came in changes.bounced:
        returned.bounce(connection, changes, came)
    for cancelled in changes.cancelled:
        cancel(connection, cancelled)
    tell(connection, changes)
    for work in changes.later:
        more = Changes(changes.last_id)
        work(connection, more)
        flush(connection, more)
        changes.last_id = more.last_id


def _regrade(connection: Connection, message_id: int, outcome: str) -> None:
    t = schema.ledger
    first = t.c.outcome.in_(["accepted", "quarantined"])
    connection.execute(update(t).where(t.c.message_id == message_id, first).values(outcome=outcome))


def _discard(connection: Connection, message_id: int, instead: Accepted) -> None:
    t = schema.ledger
    connection.execute(
        update(t)
        .where(t.c.message_id == message_id)
        .values(message_id=instead.message, outcome=instead.outcome, reason=instead.reason)
    )
    connection.execute(schema.messages.delete().where(schema.messages.c.id == message_id))
