"""What is in no conversation: spam, what could not be read, what waits to be read."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Select, bindparam, select

from store import schema, shapes

Status = Literal["spam", "quarantined", "unread"]
_m = schema.messages.c


class _Decision(msgspec.Struct, frozen=True):
    about: str
    reason: str = ""


class _Reading(msgspec.Struct, frozen=True):
    unreadable: str = ""


def messages(
    connection: Connection, status: Status, *, after: int | None = None, limit: int = 50
) -> shapes.Apart:
    """A page of them, the oldest first, each with the reason."""
    query = _of(status).where(_m.id > (after or 0)).limit(limit + 1)
    found = connection.execute(query).all()
    items = [_item(row) for row in found[:limit]]
    return shapes.Apart(items=items, next=items[-1].id if len(found) > limit else None)


def everything(connection: Connection, status: Status) -> list[shapes.ApartItem]:
    """All of them, the oldest first."""
    return [_item(row) for row in connection.execute(_of(status))]


def _of(status: Status) -> Select[Any]:
    # In the text of the statement, because a partial index is found by nothing else.
    its = _m.status == bindparam("status", status, literal_execute=True)
    return select(
        _m.id, _m.channel, _m.status, _m.author, _m.subject, _m.decisions, _m.reading,
        _m.received_at,
    ).where(its).order_by(_m.id)  # fmt: skip


def _item(row: Any) -> shapes.ApartItem:
    decisions = msgspec.json.decode(row.decisions, type=list[_Decision])
    said = next((d.reason for d in decisions if d.about == "spam"), "")
    unreadable = msgspec.json.decode(row.reading, type=_Reading).unreadable
    return shapes.ApartItem(
        id=row.id,
        channel=row.channel,
        status=row.status,
        author=msgspec.json.decode(row.author, type=shapes.Author),
        subject=row.subject,
        reason=said if row.status == "spam" else unreadable,
        received_at=row.received_at,
    )


def status(connection: Connection, id_: int) -> str | None:
    """How a message stands; None when there is none."""
    found: str | None = connection.execute(select(_m.status).where(_m.id == id_)).scalar()
    return found
