"""Proactive notices: whom they are for, who is written to next, and how far they have come."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    union_all,
    update,
)

from store import merged, schema
from store import shapes_notices as shapes
from store.rows import instant, moment

Kind = Literal["service", "promotion"]

JAMMED = 100  # deliveries that are due and untried: notices add no more, answers go first

_n, _r = schema.notices.c, schema.notice_recipients.c
_m = schema.messages.c
_k, _c, _i, _o = schema.cases.c, schema.conversations.c, schema.identities.c, schema.outbox.c
_WAITING = text("notice_recipients.state = 'waiting'")  # as the partial indexes say it
_QUEUED = text("notice_recipients.state = 'queued'")
_RUNNING = text("notices.state = 'running'")
_MINUTE = timedelta(minutes=1)


class Target(NamedTuple):
    """For whom: customers, the customers of cases, of all cases with a tag, of addresses."""

    customers: tuple[int, ...] = ()
    cases: tuple[int, ...] = ()
    tag: str = ""
    addresses: tuple[str, ...] = ()


class Notice(NamedTuple):
    """A notice under way; `words` is what it says, as JSON.

    `watching` are the channels where we only watched when it was started: there nobody is told.
    """

    id: int
    kind: Kind
    words: str
    watching: tuple[str, ...] = ()


class Recipient(NamedTuple):
    """Somebody whom a notice is for, and the case in which they are written to, if they have any."""

    customer_id: int
    case_id: int | None


class Telling(NamedTuple):
    """Whom a message of a notice tells, at which identity; a stopped one tells nobody else."""

    notice: Notice
    customer_id: int
    identity_id: int
    is_stopped: bool


class Fate(NamedTuple):
    """What became of a recipient; one that is `waiting` again waits until `due_at`."""

    customer_id: int
    state: Literal["queued", "left_out", "waiting"]
    reason: str = ""
    due_at: datetime | None = None
    identity_id: int | None = None
    message_id: int | None = None
    channel: str = ""
    language: str = ""


def chosen(connection: Connection, target: Target) -> Select[Any]:
    """Customers and, for each, the newest of their cases that the target means."""
    now = merged.successors(connection, target.customers)
    target = target._replace(customers=tuple(now.get(one, one) for one in target.customers))
    meant: list[ColumnElement[bool]] = [
        _k.customer_id.in_(target.customers),
        _k.id.in_(target.cases),
        _is_behind(target.addresses, _k.customer_id),
    ]
    if target.tag:
        find = func.instr if connection.dialect.name == "sqlite" else func.strpos
        meant.append(find(_k.tags, json.dumps(target.tag, ensure_ascii=False)) > 0)
    newest = select(_k.customer_id, func.max(_k.id).label("case_id")).where(or_(*meant))
    caseless = select(_c.customer_id, null().label("case_id")).where(
        or_(_c.customer_id.in_(target.customers), _is_behind(target.addresses, _c.customer_id)),
        ~exists().where(_k.conversation_id == _c.id),
    )
    found = union_all(newest.group_by(_k.customer_id), caseless).subquery()
    return select(found.c.customer_id, found.c.case_id)


def _is_behind(addresses: Sequence[str], column: Any) -> ColumnElement[bool]:
    if not addresses:
        return false()
    found: ColumnElement[bool] = column.in_(select(_i.customer_id).where(_i.address.in_(addresses)))
    return found


def meant(connection: Connection, target: Target) -> list[Recipient]:
    """Everybody whom a target means, by customer."""
    found = chosen(connection, target).subquery()
    query = select(found).order_by(found.c.customer_id)
    return [Recipient(*row) for row in connection.execute(query)]


def unknown(connection: Connection, target: Target) -> shapes.Unknown:
    """What of a target is nobody whom we know."""
    customers = _known(connection, _c.customer_id, target.customers)
    cases = _known(connection, _k.id, target.cases)
    addresses = _known(connection, _i.address, target.addresses)
    return shapes.Unknown(
        customers=[one for one in target.customers if one not in customers],
        cases=[one for one in target.cases if one not in cases],
        addresses=[one for one in target.addresses if one not in addresses],
    )


def _known(connection: Connection, column: Any, asked: Collection[Any]) -> set[Any]:
    if not asked:
        return set()
    return set(connection.execute(select(column).where(column.in_(asked))).scalars())


def start(connection: Connection, notice: dict[str, Any], target: Target) -> int:
    """Write a notice and everybody whom it is for, at once; returns how many they are."""
    found = chosen(connection, target).subquery()
    empty = literal("")
    values = {
        "notice_id": literal(notice["id"]), "customer_id": found.c.customer_id,
        "case_id": found.c.case_id, "state": literal("waiting"), "reason": empty,
        "channel": empty, "language": empty, "due_at": literal(notice["started_at"]),
    }  # fmt: skip
    done = connection.execute(
        insert(schema.notice_recipients).from_select(list(values), select(*values.values()))
    )
    connection.execute(
        insert(schema.notices).values(**notice, state="running", total=done.rowcount)
    )
    return done.rowcount


def running(connection: Connection) -> list[Notice]:
    """The notices that are under way, the oldest first."""
    query = select(_n.id, _n.kind, _n.words, _n.watching).where(_RUNNING).order_by(_n.id)
    return [_notice(row) for row in connection.execute(query)]


def _notice(row: Any) -> Notice:
    return Notice(row.id, row.kind, row.words, tuple(json.loads(row.watching)))


def room(connection: Connection, now: datetime, per_minute: int) -> int:
    """How many more may be queued now: none while the way out is jammed."""
    due = (
        select(_o.id)
        .where(text("outbox.state IN ('queued', 'deferred')"), _o.due_at <= instant(now))
        .limit(JAMMED)
        .subquery()
    )
    if connection.execute(select(func.count()).select_from(due)).scalar_one() >= JAMMED:
        return 0
    latest = select(func.count()).where(_QUEUED, _r.at > instant(now - _MINUTE))
    return per_minute - int(connection.execute(latest).scalar_one())


def waiting(connection: Connection, notice_id: int, now: datetime, limit: int) -> list[Recipient]:
    """Who is next, as long as the notice has not been stopped."""
    query = (
        select(_r.customer_id, _r.case_id)
        .join(schema.notices, and_(_n.id == _r.notice_id, _RUNNING))
        .where(_WAITING, _r.notice_id == notice_id, _r.due_at <= instant(now))
        .order_by(_r.due_at, _r.customer_id)
        .limit(limit)
    )
    return [Recipient(*row) for row in connection.execute(query)]


def heirs(
    connection: Connection, notice_id: int, recipients: Sequence[Recipient]
) -> tuple[list[Recipient], set[int]]:
    """Who has become part of another customer is told as that one; and those who are one twice."""
    now = merged.successors(connection, [one.customer_id for one in recipients])
    if not now:
        return list(recipients), set()
    here, found, twice = _r.notice_id == notice_id, list[Recipient](), set[int]()
    asked = select(_r.customer_id).where(here, _r.customer_id.in_(now.values()))
    there = set(connection.execute(asked).scalars())
    for one in recipients:
        heir = now.get(one.customer_id, one.customer_id)
        if heir != one.customer_id and heir in there:
            twice.add(one.customer_id)
        elif heir != one.customer_id:
            of = here & (_r.customer_id == one.customer_id)
            connection.execute(update(schema.notice_recipients).where(of).values(customer_id=heir))
            there.add(heir)
        found.append(one if one.customer_id in twice else one._replace(customer_id=heir))
    return found, twice


def write(connection: Connection, notice_id: int, fates: Sequence[Fate], now: datetime) -> None:
    """What became of recipients."""
    if not fates:
        return
    values = [
        {
            "customer": f.customer_id, "to_state": f.state, "why": f.reason,
            "until": instant(f.due_at or now), "who": f.identity_id, "row": f.message_id,
            "way": f.channel, "tongue": f.language,
            "settled": None if f.state == "waiting" else instant(now),
        }
        for f in fates
    ]  # fmt: skip
    columns = {"state": "to_state", "reason": "why", "due_at": "until", "identity_id": "who",
               "message_id": "row", "channel": "way", "language": "tongue", "at": "settled"}  # fmt: skip
    connection.execute(
        update(schema.notice_recipients)
        .where(_r.notice_id == notice_id, _r.customer_id == bindparam("customer"))
        .values({name: bindparam(value) for name, value in columns.items()}),
        values,
    )


def told(connection: Connection, notice_id: int, identities: Collection[int]) -> set[int]:
    """Which of these identities have had the notice, whosever they were then."""
    query = select(_r.identity_id).where(
        _r.notice_id == notice_id, _r.identity_id.in_(identities), _QUEUED
    )
    return set(connection.execute(query).scalars())


def telling(connection: Connection, message_id: int) -> Telling | None:
    """Whom a message tells of which notice; None where it is part of none."""
    identity = select(_m.identity_id).where(_m.id == message_id).scalar_subquery()
    query = (
        select(_n.id, _n.kind, _n.words, _n.watching, _r.customer_id, _r.identity_id, _n.state)
        .join(schema.notice_recipients, _r.notice_id == _n.id)
        .where(_r.identity_id == identity, _r.message_id == message_id)
    )
    row = connection.execute(query).first()
    return Telling(_notice(row), *row[4:6], row.state == "stopped") if row else None


def told_others(connection: Connection, telling: Telling) -> bool:
    """Whether the customer, who may be several by now, was told under another identity."""
    own = select(_i.customer_id).where(_i.id == telling.identity_id).scalar_subquery()
    everybody = connection.execute(select(_i.id).where(_i.customer_id == own)).scalars()
    return bool(told(connection, telling.notice.id, [*everybody]) - {telling.identity_id})


def moved(connection: Connection, telling: Telling, **values: Any) -> None:
    """It is told by another message, and counts as that one."""
    of = (_r.notice_id == telling.notice.id) & (_r.identity_id == telling.identity_id)
    connection.execute(update(schema.notice_recipients).where(of).values(values))


def last_due(connection: Connection) -> datetime | None:
    """When the last leaves of all that are queued, or left."""
    found = connection.execute(select(func.max(_r.at)).where(_QUEUED)).scalar()
    return moment(found) if found else None


def end(
    connection: Connection, notice_id: int, state: Literal["finished", "stopped"], at: datetime
) -> bool:
    """End a notice that is under way; one is finished only when nobody waits any more."""
    where: list[ColumnElement[bool]] = [_n.id == notice_id, _RUNNING]  # type: ignore[list-item]
    if state == "finished":
        where.append(~exists().where(_WAITING, _r.notice_id == notice_id))
    done = connection.execute(
        update(schema.notices).where(*where).values(state=state, ended_at=instant(at))
    )
    return done.rowcount > 0


def get(connection: Connection, id_: int) -> shapes.Notice | None:
    """A notice and how far it has come."""
    row = connection.execute(select(schema.notices).where(_n.id == id_)).first()
    return _shown(connection, row) if row is not None else None


def page(connection: Connection, *, after: int | None = None, limit: int = 50) -> shapes.Notices:
    """A page of notices, the oldest first."""
    query = select(schema.notices).where(_n.id > (after or 0)).order_by(_n.id).limit(limit + 1)
    found = connection.execute(query).all()
    items = [_shown(connection, row) for row in found[:limit]]
    return shapes.Notices(items=items, next=items[-1].id if len(found) > limit else None)


def _shown(connection: Connection, row: Any) -> shapes.Notice:
    words = json.loads(row.words)
    return shapes.Notice(
        id=row.id, kind=row.kind, state=row.state, text=words["text"], subject=words["subject"],
        by=row.author, started_at=row.started_at, ended_at=row.ended_at,
        counts=_counts(connection, row.id, row.total, stopped=row.state == "stopped"),
    )  # fmt: skip


def _counts(connection: Connection, id_: int, total: int, *, stopped: bool) -> shapes.NoticeCounts:
    """Deliveries are the outbox's to tell of; what a stop kept back waits for nothing."""
    query = (
        select(_r.state, _r.reason, _o.state, func.count())
        .outerjoin(schema.outbox, and_(_o.message_id == _r.message_id, _o.piece == 0))
        .where(_r.notice_id == id_)
        .group_by(_r.state, _r.reason, _o.state)
    )
    of, left_out = Counter[str](), Counter[str]()
    for state, reason, delivery, count in connection.execute(query):
        if state == "left_out":
            left_out[reason] += count
        elif state == "waiting":
            of["stopped" if stopped else "waiting"] += count
        else:
            of[_DELIVERY.get(delivery, delivery)] += count
    return shapes.NoticeCounts(total=total, left_out=dict(left_out), **of)


_DELIVERY = {"sending": "queued", "deferred": "queued", "draft": "drafts"}
