"""How much we said by ourselves of late, and how much it would be with what was only watched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.engine import Connection

from store import schema
from store.known import Arrival, Budget, Known, Spent
from store.prepared import Prepared
from store.rows import instant

_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_o, _w, _m = schema.outbox.c, schema.watched.c, schema.messages.c


class _Counts(NamedTuple):
    """The questions about one table."""

    by: dict[Budget, Prepared]
    strangers: Prepared
    recent: Prepared


def _counts(
    at: ColumnElement[str],
    key: ColumnElement[str],
    conversation: ColumnElement[int],
    table: Any,
    *counts: ColumnElement[bool],
) -> _Counts:
    """What has no budget key counts for its conversation only: a notice silences nobody else."""
    since, in_all = at > bindparam("since"), key != ""

    def by(column: Any, *more: ColumnElement[bool]) -> Prepared:
        one_of = column.in_(bindparam("values", expanding=True))
        found = select(column, func.count()).select_from(table).where(one_of, since, *counts, *more)
        return Prepared(found.group_by(column))

    of = key.table.c
    recent: Select[Any] = select(func.count()).select_from(table).where(since, *counts, in_all)
    return _Counts(
        {
            "sender_day": by(key),
            "conversation_day": by(conversation),
            "domain_hour": by(of.domain, in_all),
        },
        Prepared(recent.where(of.authenticated.is_(False))),
        Prepared(recent),
    )


_SAID = _counts(
    _o.created_at, _o.budget_key, _o.conversation_id, schema.outbox, _o.automatic, _o.piece == 0
)
_WATCHED = _counts(
    _w.at,
    _w.budget_key,
    _m.conversation_id,
    schema.watched.join(schema.messages, _m.id == _w.message_id),
)


def load_spent(
    connection: Connection, arrivals: Sequence[Arrival], counted: frozenset[Budget], known: Known
) -> None:
    """Automatic messages of the last day and hour to whoever these arrivals would be answered."""
    _load(connection, arrivals, counted, known, known.spent, _SAID)


def load_watched(
    connection: Connection, arrivals: Sequence[Arrival], counted: frozenset[Budget], known: Known
) -> None:
    """The same as if everything that was watched had been said, too."""
    would, said = known.watched, known.spent
    _load(connection, arrivals, counted, known, would, _WATCHED)
    for name in ("sender_day", "conversation_day", "domain_hour"):
        for key, count in getattr(said, name).items():
            getattr(would, name)[key] += count
    would.unauthenticated_hour += said.unauthenticated_hour
    would.all_minute += said.all_minute


def _load(
    connection: Connection, arrivals: Sequence[Arrival], counted: frozenset[Budget], known: Known,
    spent: Spent, counts: _Counts,
) -> None:  # fmt: skip
    asked = [a for a in arrivals if a.budget[0]]
    if not (asked and counted):
        return
    now = max(a.at for a in asked)
    conversations = {
        p.conversation_id for a in asked if (p := known.people.get(str(a.author.identity)))
    }
    groups: tuple[tuple[Budget, dict[Any, int], Iterable[Any], timedelta], ...] = (
        ("sender_day", spent.sender_day, {a.budget[0] for a in asked}, _DAY),
        ("conversation_day", spent.conversation_day, conversations, _DAY),
        ("domain_hour", spent.domain_hour, {a.budget[1] for a in asked}, _HOUR),
    )
    for name, into, values, back in groups:
        if name in counted and values:
            since = instant(now - back)
            into.update(counts.by[name].run(connection, values=list(values), since=since))
    if "unauthenticated_hour" in counted:
        since = instant(now - _HOUR)
        spent.unauthenticated_hour = counts.strangers.run(connection, since=since)[0][0]
    if "all_minute" in counted:
        spent.all_minute = counts.recent.run(connection, since=instant(now - _MINUTE))[0][0]
