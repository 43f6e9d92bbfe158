"""Who of us is away, as people said, and whose cases wait meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, func, literal, or_, select, text

from store import rows, schema
from store.rows import instant

COVER = "promise.cover"  # the rule under which a case is handed over because its owner is away

_a, _k, _f = schema.absences.c, schema.cases.c, schema.follow_ups.c
_AWAITED = text(schema.AWAITED)  # as the partial index says it


def newest(connection: Connection) -> list[rows.Absence]:
    """What was said last of everybody of whom something was said."""
    last = select(func.max(_a.id)).group_by(_a.name)
    query = select(schema.absences).where(_a.id.in_(last)).order_by(_a.id)
    return [rows.Absence(*row) for row in connection.execute(query)]


def owners(connection: Connection) -> list[str]:
    """Whose cases a customer waits in, each as it is spelled there.

    From one owner the index leads to the next, however many cases each has.
    """
    first = select(func.min(_k.owner).label("owner")).where(_AWAITED)
    found = first.cte("found", recursive=True)
    after = select(func.min(_k.owner)).where(_AWAITED, _k.owner > found.c.owner)
    step = select(after.scalar_subquery()).where(found.c.owner.is_not(None))
    every = found.union_all(step)
    query = select(every.c.owner).where(every.c.owner.is_not(None))
    return list(connection.execute(query).scalars())


def waiting(
    connection: Connection, owned_by: Collection[str], until: datetime, cause: str, limit: int
) -> list[rows.Case]:
    """Cases of these owners in which a customer waits for an answer, or is owed news until then.

    Not those that were handed over for this cause before: somebody has given them back.
    """
    query = _waiting(select(schema.cases), owned_by, until, cause)
    found = connection.execute(query.order_by(_k.id).limit(limit))
    return [rows.Case(*row) for row in found]


def count(connection: Connection, owned_by: Collection[str], until: datetime, cause: str) -> int:
    """How many those are."""
    query = _waiting(select(func.count()), owned_by, until, cause)
    return int(connection.execute(query).scalar_one())


def _waiting(
    what: Select[Any], owned_by: Collection[str], until: datetime, cause: str
) -> Select[Any]:
    before = exists(literal(1)).where(_f.case_id == _k.id, _f.rule == COVER, _f.cause == cause)
    return what.where(
        _AWAITED,
        _k.owner.in_(owned_by),
        or_(_k.unanswered_since.is_not(None), _k.next_update_by < instant(until)),
        ~before,
    )
