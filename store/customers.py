"""What is known of a customer: the identities, what each rests on, and the links that made it so."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from store import links, persons, rows, schema, shapes
from store.suggestions import suggested

_i, _t = schema.identities.c, schema.customers.c


def customer(connection: Connection, id_: int) -> persons.CustomerView | None:
    """One customer; None when there is none (any more)."""
    row = connection.execute(select(schema.customers).where(_t.id == id_)).first()
    party = links.party(connection, id_)
    if row is None or party is None:
        return None
    return persons.CustomerView(
        id=id_,
        language=row.language,
        created_at=row.created_at,
        name=row.name,
        conversation_id=party.conversation_id,
        identities=[_plain(one) for one in _identities(connection, id_)],
        merged_into=None if party.identities else _successor(connection, id_),
    )


def identities(
    connection: Connection, id_: int, kinds: Collection[str]
) -> persons.Identities | None:
    """The identities of a customer with their evidence; None when there is none."""
    party = links.party(connection, id_)
    if party is None:
        return None
    found = links.about(connection, [id_])
    return persons.Identities(
        customer_id=id_,
        identities=[_founded(one, found) for one in _identities(connection, id_)],
        links=[link(one) for one in found],
        suggestions=suggested(connection, party, kinds),
    )


def link(row: rows.Link) -> persons.Link:
    """A link as people see it."""
    values = row._asdict()
    del values["moved"]
    return persons.Link(**values, identities=list(links.trace(row).identities))


def named(connection: Connection, customer_id: int, wanted: list[int | str]) -> list[int]:
    """The ids of a customer's identities, named by id or by address; what is not theirs is left out."""
    found = _identities(connection, customer_id)
    return [one.id for one in found if one.id in wanted or one.address in wanted]


def _identities(connection: Connection, customer_id: int) -> list[rows.Identity]:
    query = select(schema.identities).where(_i.customer_id == customer_id).order_by(_i.id)
    return [rows.Identity(*row) for row in connection.execute(query)]


def _successor(connection: Connection, id_: int) -> int | None:
    """The customer that another one is part of since it was merged."""
    found = (one for one in links.about(connection, [id_]) if one.other_id == id_)
    return next((one.customer_id for one in found if one.undone_at is None), None)


def _plain(row: rows.Identity) -> shapes.Identity:
    return shapes.Identity(
        id=row.id, address=row.address, name=row.name, failing_since=row.failing_since
    )


def _founded(row: rows.Identity, found: list[rows.Link]) -> persons.IdentityView:
    """An identity with the last link that brought it here; without one, it was here from the first."""
    brought = (
        one
        for one in found
        if one.customer_id == row.customer_id
        and one.undone_at is None
        and row.id in links.trace(one).identities
    )
    by = next(brought, None)
    return persons.IdentityView(
        id=row.id,
        address=row.address,
        name=row.name,
        failing_since=row.failing_since,
        since=by.at if by else row.created_at,
        evidence=by.evidence if by else "first",
        why=by.why if by else "",
        link_id=by.id if by else None,
    )
