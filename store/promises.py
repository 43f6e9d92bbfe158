"""What customers were promised, with their acknowledgements and by people, and when one answered."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, func, select

from store import schema
from store.rows import moment

_c, _m, _o = schema.cases.c, schema.messages.c, schema.outbox.c
_e = schema.events.c
_UNREAD = ("draft", "failed")  # nobody was told it
_r = schema.messages.alias("replies")


class Made(NamedTuple):
    """One promise: when it was made, until when, and how its case went on."""

    case_id: int
    channel: str
    calendar: str
    made_at: datetime
    promised_by: datetime
    answered_at: datetime | None
    closed_at: datetime | None


class Said(NamedTuple):
    """The time of a case's next update was said, moved or taken away; `by` names who did."""

    case_id: int
    at: datetime
    by: str
    before: datetime | None
    after: datetime | None


class Updates(NamedTuple):
    """What the newest events tell of next updates, by case when people answered, and what is owed."""

    said: list[Said]
    replies: dict[int, list[datetime]]
    owed: list[Made]


def updates(connection: Connection, events: int) -> Updates:
    """What was said of next updates within so many newest events, in their order."""
    newest = (
        select(_e.cursor, _e.type, _e.at, _e.data)
        .order_by(_e.cursor.desc())
        .limit(events)
        .subquery()
    )
    found = connection.execute(
        select(newest.c.at, newest.c.data)
        .where(newest.c.type == "case.changed", newest.c.data.like('%"next_update_by"%'))
        .order_by(newest.c.cursor)
    )
    told = ((at, msgspec.json.decode(data, type=_Told)) for at, data in found)
    said = [_said(at, one) for at, one in told if "next_update_by" in one.after]
    replies: defaultdict[int, list[datetime]] = defaultdict(list)
    answered = (
        select(_m.case_id, _m.received_at)
        .where(_m.case_id == bindparam("case"), _m.direction == "out", _m.kind == "reply")
        .order_by(_m.received_at)
    )
    for case in {one.case_id for one in said}:
        for id_, at in connection.execute(answered, {"case": case}):
            replies[id_].append(moment(at))
    return Updates(said, dict(replies), _owed(connection))


class _Told(msgspec.Struct):
    """Of the event of a case that was changed."""

    case_id: int
    before: dict[str, Any]
    after: dict[str, Any]
    by: str = ""


def _said(at: str, told: _Told) -> Said:
    before, after = (one.get("next_update_by") for one in (told.before, told.after))
    return Said(
        told.case_id, moment(at), told.by, moment(before) if before else None,
        moment(after) if after else None,
    )  # fmt: skip


def _owed(connection: Connection) -> list[Made]:
    """Every update that is owed now, whenever it was said."""
    query = select(_c.id, _c.channel, _c.calendar, _c.next_update_said_at, _c.next_update_by)
    return [
        Made(row[0], row[1], row[2], moment(row[3] or row[4]), moment(row[4]), None, None)
        for row in connection.execute(query.where(_c.next_update_by.is_not(None)))
    ]


def recent(connection: Connection, cases: int) -> list[Made]:
    """The promises in the newest cases, in the order in which they were made."""
    newest = (
        select(_c.id, _c.channel, _c.calendar, _c.resolved_at)
        .order_by(_c.id.desc())
        .limit(cases)
        .subquery()
    )
    answered = (
        select(func.min(_r.c.received_at))
        .where(_r.c.case_id == newest.c.id, _r.c.direction == "out", _r.c.kind == "reply")
        .scalar_subquery()
    )
    query = (
        select(
            newest.c.id, newest.c.channel, newest.c.calendar, _m.received_at, _m.promised_by,
            answered, newest.c.resolved_at,
        )
        .join(schema.messages, _m.case_id == newest.c.id)
        .join(schema.outbox, (_o.message_id == _m.id) & (_o.piece == 0))
        .where(_m.kind == "acknowledgement", _m.promised_by.is_not(None), _o.state.not_in(_UNREAD))
        .order_by(_m.id)
    )  # fmt: skip
    return [
        Made(
            row[0], row[1], row[2], moment(row[3]), moment(row[4]),
            moment(row[5]) if row[5] else None, moment(row[6]) if row[6] else None,
        )
        for row in connection.execute(query)
    ]  # fmt: skip
