"""Codes that prove two addresses to be one person's: given out, looked up, and used once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from store import rows, schema
from store.known import Arrival, Known, Shown

_p, _i, _c, _k, _m = (
    schema.proofs.c,
    schema.identities.c,
    schema.conversations.c,
    schema.customers.c,
    schema.messages.c,
)


def load_shown(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    """The codes that these arrivals show, by their SHA-256, and to whom they were given."""
    codes = sorted({arrival.code for arrival in arrivals if arrival.code})
    if not codes:
        return
    query = (
        select(
            schema.proofs,
            _i.address,
            _i.customer_id,
            _c.id,
            _k.language,
            _m.channel,
            schema.cases.c.reference,
            schema.cases.c.mode,
        )
        .join(schema.identities, _i.id == _p.identity_id)
        .join(schema.customers, _k.id == _i.customer_id)
        .join(schema.conversations, _c.customer_id == _i.customer_id)
        .join(schema.messages, _m.id == _p.message_id)
        .join(schema.cases, schema.cases.c.id == _p.case_id)
        .where(_p.sha256.in_(codes))
    )
    for row in connection.execute(query):
        width = len(rows.Proof._fields)
        proof = rows.Proof(*row[:width])
        known.shown[proof.sha256] = Shown(proof, *row[width:])


def load_kinds(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    """The kinds of identity that each of these authors is known by."""
    found = (known.people.get(str(arrival.author.identity)) for arrival in arrivals)
    customers = sorted({person.customer_id for person in found if person})
    if customers:
        query = select(_i.customer_id, _i.address).where(_i.customer_id.in_(customers))
        for customer, address in connection.execute(query):
            known.kinds[customer].add(address.partition(":")[0])


def use(connection: Connection, proof_id: int, identity_id: int, at: str) -> bool:
    """Whether the code was unused until now."""
    taken = (
        update(schema.proofs)
        .where(_p.id == proof_id, _p.used_at.is_(None))
        .values(used_at=at, used_by=identity_id)
    )
    return connection.execute(taken).rowcount == 1
