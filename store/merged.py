"""Customers that are part of others by now: whom somebody means who names them all the same."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, exists, select

from store import schema

_MOST = 20  # mergers of one customer after the other
_l, _i = schema.links.c, schema.identities.c


def successors(connection: Connection, customers: Collection[int]) -> dict[int, int]:
    """Of these, who was merged into somebody, and into whom in the end; most were not."""
    now = {one: one for one in customers}
    for _ in range(_MOST):
        step = _merged(connection, set(now.values()))
        if not step:
            break
        now = {one: step.get(last, last) for one, last in now.items()}
    return {one: last for one, last in now.items() if one != last}


def _merged(connection: Connection, customers: Collection[int]) -> dict[int, int]:
    """One step; who has identities is somebody, whatever became of others."""
    query = (
        select(_l.other_id, _l.customer_id)
        .where(_l.kind == "merge", _l.undone_at.is_(None), _l.other_id.in_(customers))
        .where(~exists().where(_i.customer_id == _l.other_id))
        .order_by(_l.id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
