"""What we would say by ourselves and a person shall send: drafts, by the id of their message."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, update

from store import schema, shapes
from store.rows import instant

_m, _o, _k = schema.messages.c, schema.outbox.c, schema.cases.c


def _waiting() -> Select[Any]:
    return (
        select(
            _m.id, _m.conversation_id, _m.case_id, _m.channel, _m.kind, _m.subject, _m.text,
            _m.language, _m.recipients, _m.promised_by, _o.created_at, _k.status, _k.reference,
            _k.unanswered_since,
        )
        .join(schema.outbox, _o.message_id == _m.id)
        .outerjoin(schema.cases, _k.id == _m.case_id)
        .where(_o.state == bindparam("draft", "draft", literal_execute=True))
    )  # fmt: skip


def page(
    connection: Connection, now: datetime, *, after: int | None = None, limit: int = 50
) -> shapes.Drafts:
    """A page of drafts, the oldest first."""
    query = _waiting().where(_o.message_id > (after or 0)).order_by(_o.message_id).limit(limit + 1)
    found = [_draft(row, now) for row in connection.execute(query)]
    more = len(found) > limit
    return shapes.Drafts(items=found[:limit], next=found[limit - 1].id if more else None)


def get(connection: Connection, id_: int, now: datetime) -> shapes.Draft | None:
    """One draft; None if there is none (any more)."""
    row = connection.execute(_waiting().where(_m.id == id_)).first()
    return _draft(row, now) if row is not None else None


def send(connection: Connection, id_: int, text: str, at: datetime) -> None:
    """From now on it is delivered as everything else."""
    if text:
        connection.execute(update(schema.messages).where(_m.id == id_).values(text=text))
    connection.execute(
        update(schema.outbox)
        .where(_o.message_id == id_, _o.state == "draft")
        .values(state="queued", due_at=instant(at))
    )


def drop(connection: Connection, id_: int, why: str) -> None:
    """It is kept, and never sent."""
    connection.execute(
        update(schema.outbox)
        .where(_o.message_id == id_, _o.state == "draft")
        .values(state="failed", error=why)
    )


def _draft(row: Any, now: datetime) -> shapes.Draft:
    (_, address), *_ = json.loads(row.recipients)["to"]
    return shapes.Draft(
        id=row.id,
        conversation_id=row.conversation_id,
        case_id=row.case_id,
        reference=row.reference or "",
        channel=row.channel,
        kind=row.kind,
        to=address,
        subject=row.subject,
        text=row.text,
        language=row.language,
        written_at=row.created_at,
        outdated=_outdated(row, instant(now)),
    )


def _outdated(row: Any, now: str) -> str:
    if row.kind == "survey":
        return "" if row.status == "resolved" else "the case is open again"
    if row.status == "resolved" and row.kind != "notice":  # which may tell of just that
        return "the case is resolved"
    if row.unanswered_since is None and (row.kind == "acknowledgement" or row.promised_by):
        return "a person has answered meanwhile"
    is_late = row.promised_by is not None and row.promised_by < now
    return "the time that it promises has passed" if is_late else ""
