"""Follow-ups: what is due, how it ended, and what a customer's or a person's word does to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, text, update

from store import notes, schema, shapes
from store.rows import instant, moment

State = Literal["pending", "fired", "cancelled", "skipped", "missed"]

_OURS = ""  # the notes of no channel
_f = schema.follow_ups.c
_PENDING = text("follow_ups.state = 'pending'")  # as the partial index says it


class Due(NamedTuple):
    """A row whose time has come."""

    id: int
    case_id: int
    conversation_id: int
    rule: str
    cause: str
    due_at: str


class End(NamedTuple):
    """How a row ended; one that is `pending` again waits until `due_at`."""

    id: int
    state: State
    reason: str
    due_at: str | None = None


class Cancel(NamedTuple):
    """The rows of these rules that wait in a case, and why they need not fire any more.

    Only rows up to `last`: what begins later, in the same transaction, is another wait.
    """

    case_id: int
    rules: tuple[str, ...]
    at: str
    reason: str
    last: int


def due(
    connection: Connection,
    now: datetime,
    limit: int,
    *,
    late: datetime | None = None,
    rules: Sequence[str] | None = None,
) -> list[Due]:
    """Rows that are due, the oldest first: those due since `late`, or of `rules` however late."""
    where: list[ColumnElement[bool]] = [_f.due_at <= instant(now)]
    if late:
        where.append(_f.due_at > instant(late))
    if rules is not None:
        where.append(_f.rule.in_(rules))
    query = (
        select(_f.id, _f.case_id, _f.conversation_id, _f.rule, _f.cause, _f.due_at)
        .where(_PENDING, *where)
        .order_by(_f.due_at, _f.id)
        .limit(limit)
    )
    return [Due(*row) for row in connection.execute(query)]


def still(connection: Connection, rows: Collection[int]) -> set[int]:
    """Which of these rows still wait; asked in the transaction that fires them."""
    query = select(_f.id).where(_f.id.in_(rows), _PENDING)
    return set(connection.execute(query).scalars())


def take_turn(connection: Connection, id_: int, now: datetime, every: timedelta) -> bool:
    """Whether one of those that wait their turn may fire now, whichever process let out the last."""
    last = notes.recall(connection, _OURS, "turn")
    # A turn in the future is one of a clock that was set back since.
    if last and abs(now - moment(last)) < every:
        return False
    notes.note(connection, id_, _OURS, "turn", instant(now))
    return True


def count_late(connection: Connection, before: datetime, rules: Sequence[str], most: int) -> int:
    """How many rows of these rules were due before then, counted up to `most`."""
    some = (
        select(_f.id)
        .where(_PENDING, _f.due_at <= instant(before), _f.rule.in_(rules))
        .limit(most)
        .subquery()
    )
    return connection.execute(select(func.count()).select_from(some)).scalar_one()


def last_waiting(connection: Connection, reason: str, since: str, until: str) -> str | None:
    """The last due time, from one instant to another, of the rows that wait for this reason."""
    where = (_PENDING, _f.reason == reason, _f.due_at >= since, _f.due_at < until)
    return connection.execute(select(func.max(_f.due_at)).where(*where)).scalar()


def end(connection: Connection, ends: Sequence[End], at: datetime) -> None:
    """Write how rows ended."""
    if not ends:
        return
    t = schema.follow_ups
    values = [
        {"row": e.id, "state": e.state, "reason": e.reason,
         "due": e.due_at, "settled": None if e.state == "pending" else instant(at)}
        for e in ends
    ]  # fmt: skip
    connection.execute(
        update(t)
        .where(t.c.id == bindparam("row"))
        .values(
            state=bindparam("state"),
            reason=bindparam("reason"),
            due_at=func.coalesce(bindparam("due"), t.c.due_at),
            settled_at=bindparam("settled"),
        ),
        values,
    )


def end_all(
    connection: Connection,
    state: State,
    reason: str,
    at: datetime,
    *,
    of: Sequence[str] | None = None,
    except_: Sequence[str] | None = None,
    before: datetime | None = None,
) -> int:
    """End all waiting rows of some rules, or of all but some; returns how many."""
    where: list[ColumnElement[bool]] = []
    if of is not None:
        where.append(_f.rule.in_(of))
    if except_ is not None:
        where.append(_f.rule.not_in(except_))
    if before is not None:
        where.append(_f.due_at <= instant(before))
    ended = connection.execute(
        update(schema.follow_ups)
        .where(_PENDING, *where)
        .values(state=state, reason=reason, settled_at=instant(at))
    )
    return ended.rowcount


def cancel(connection: Connection, cancelled: Cancel) -> None:
    """What waited for something that has happened need not wait any more."""
    connection.execute(
        update(schema.follow_ups)
        .where(
            _PENDING,
            _f.id <= cancelled.last,
            _f.case_id == cancelled.case_id,
            _f.rule.in_(cancelled.rules),
        )
        .values(state="cancelled", reason=cancelled.reason, settled_at=cancelled.at)
    )


def causes(connection: Connection, case_id: int, rules: Sequence[str]) -> list[str]:
    """What the waiting rows of some rules stand for in a case, the first cause first."""
    query = (
        select(_f.cause).where(_PENDING, _f.case_id == case_id, _f.rule.in_(rules)).order_by(_f.id)
    )
    return list(connection.execute(query).scalars())


def shown() -> Select[Any]:
    """The columns that the API shows."""
    return select(_f.id, _f.case_id, _f.rule, _f.state, _f.due_at, _f.settled_at, _f.reason)


def owing(by: str) -> Select[Any]:
    """The ids of cases whose customer is to hear from us by then; few, so by an index of their own."""
    t = schema.cases.alias().c
    return select(t.id).where(t.next_update_by <= by)


def overdue(connection: Connection, now: datetime) -> int:
    """How many customers should have heard from us by now, as one of us told them."""
    some = owing(instant(now)).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()


def page(
    connection: Connection,
    *,
    after: int | None = None,
    limit: int = 50,
    state: str | None = None,
    case_id: int | None = None,
) -> shapes.FollowUps:
    """A page of follow-ups by id."""
    query = shown().where(_f.id > (after or 0)).order_by(_f.id).limit(limit + 1)
    if state is not None:
        query = query.where(_f.state == state)
    if case_id is not None:
        query = query.where(_f.case_id == case_id)
    found = [shapes.FollowUp(**row._asdict()) for row in connection.execute(query)]
    more = len(found) > limit
    return shapes.FollowUps(items=found[:limit], next=found[limit - 1].id if more else None)


def get(connection: Connection, id_: int) -> tuple[shapes.FollowUp, int] | None:
    """One follow-up, and its conversation."""
    row = connection.execute(shown().add_columns(_f.conversation_id).where(_f.id == id_)).first()
    if row is None:
        return None
    values = row._asdict()
    conversation: int = values.pop("conversation_id")
    return shapes.FollowUp(**values), conversation


def fired(connection: Connection, case_id: int, at: str) -> list[Due]:
    """What fired in a case at an instant, which is that of the message it became."""
    query = select(_f.id, _f.case_id, _f.conversation_id, _f.rule, _f.cause, _f.due_at).where(
        _f.case_id == case_id, _f.settled_at == at, _f.state == "fired"
    )
    return [Due(*row) for row in connection.execute(query)]
