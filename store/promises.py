"""What customers were promised with their acknowledgements, and when a person answered."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from store import schema
from store.rows import moment

_c, _m, _o = schema.cases.c, schema.messages.c, schema.outbox.c
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
