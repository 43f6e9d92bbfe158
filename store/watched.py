"""What would have been said where we only watch: read page by page, and counted."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, case, func, select

from store import reading, schema
from store import shapes_watched as shapes
from store.reading import Order
from store.rows import instant

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_EXCERPT = 1500  # characters of what the customer wrote
_w, _m, _k = schema.watched.c, schema.messages.c, schema.cases.c


class Filter(NamedTuple):
    """Which of them; "" and None are all."""

    channel: str = ""
    kind: str = ""
    case_id: int | None = None
    conversation_id: int | None = None


class Beside(NamedTuple):
    """What would have been said, and what the customer had written: "" if it was no word of theirs."""

    said: shapes.Watched
    subject: str
    wrote: str
    cut: bool


class Tally(NamedTuple):
    """How many of one kind on one channel within a day, and within a week."""

    kind: str
    channel: str
    day: int
    week: int


def page(
    connection: Connection,
    wanted: Filter,
    *,
    after: int | None = None,
    limit: int = 50,
    order: Order = "oldest",
) -> shapes.WatchedPage:
    """A page by id."""
    found, next_ = beside(connection, wanted, after=after, limit=limit, order=order)
    return shapes.WatchedPage(items=[one.said for one in found], next=next_)


def beside(
    connection: Connection,
    wanted: Filter,
    *,
    after: int | None = None,
    limit: int = 50,
    order: Order = "newest",
) -> tuple[list[Beside], int | None]:
    """The same with what each would have answered, and the id to go on from when there are more."""
    query = _chosen(wanted)
    if after is not None:
        query = query.where(_w.id > after if order == "oldest" else _w.id < after)
    query = query.order_by(_w.id if order == "oldest" else _w.id.desc()).limit(limit + 1)
    found = [_beside(row) for row in connection.execute(query)]
    return found[:limit], found[limit - 1].said.id if len(found) > limit else None


def conversation(
    connection: Connection, id_: int, *, after: int | None = None, limit: int = 50
) -> shapes.WholeConversation | None:
    """A conversation with what would have been said in it; None when there is none."""
    found = reading.conversation(connection, id_, after=after, limit=limit)
    if found is None:
        return None
    said = _newest(connection, Filter(conversation_id=id_))
    return shapes.WholeConversation(**msgspec.structs.asdict(found), would_have_said=said)


def one_case(
    connection: Connection, id_: int, *, after: int | None = None, limit: int = 50
) -> shapes.WholeCase | None:
    """A case with what would have been said in it; None when there is none."""
    found = reading.case(connection, id_, after=after, limit=limit)
    if found is None:
        return None
    said = _newest(connection, Filter(case_id=id_))
    return shapes.WholeCase(**msgspec.structs.asdict(found), would_have_said=said)


def _newest(connection: Connection, wanted: Filter) -> list[shapes.Watched]:
    """In the order of time, as the messages beside them."""
    found, _ = beside(connection, wanted, limit=reading.MAX_BESIDE)
    return [one.said for one in reversed(found)]


def tally(connection: Connection, now: datetime) -> list[Tally]:
    """How many there were of late, the most first."""
    today = func.sum(case((_w.at > instant(now - _DAY), 1), else_=0))
    query = (
        select(_w.kind, _w.channel, today, func.count())
        .where(_w.at > instant(now - _WEEK))
        .group_by(_w.kind, _w.channel)
        .order_by(func.count().desc(), _w.kind, _w.channel)
    )
    return [Tally(*row) for row in connection.execute(query)]


def today(connection: Connection, conversations: Collection[int], now: datetime) -> dict[int, int]:
    """How much would have been said in these conversations within a day."""
    query = (
        select(_m.conversation_id, func.count())
        .join(schema.messages, _m.id == _w.message_id)
        .where(_m.conversation_id.in_(conversations), _w.at > instant(now - _DAY))
        .group_by(_m.conversation_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def surveyed(connection: Connection, cases: Collection[int]) -> set[int]:
    """In which of these cases a survey would have been sent."""
    query = (
        select(_m.case_id)
        .join(schema.messages, _m.id == _w.message_id)
        .where(_m.case_id.in_(cases), _w.kind == "survey")
    )
    return set(connection.execute(query).scalars())


def _chosen(wanted: Filter) -> Select[Any]:
    own = func.coalesce(_m.reply_text, _m.text)
    query = (
        select(
            schema.watched, _m.conversation_id, _m.case_id, _m.direction, _k.reference,
            _m.subject.label("their_subject"), func.substr(own, 1, _EXCERPT + 1).label("wrote"),
        )
        .join(schema.messages, _m.id == _w.message_id)
        .outerjoin(schema.cases, _k.id == _m.case_id)
    )  # fmt: skip
    if wanted.channel:
        query = query.where(_w.channel == wanted.channel)
    if wanted.conversation_id is not None:
        query = query.where(_m.conversation_id == wanted.conversation_id)
    if wanted.case_id is not None:
        query = query.where(_m.case_id == wanted.case_id)
    return query.where(_w.kind == wanted.kind) if wanted.kind else query


def _beside(row: Any) -> Beside:
    theirs = row.direction == "in"
    return Beside(
        _said(row),
        row.their_subject if theirs else "",
        row.wrote[:_EXCERPT] if theirs else "",
        theirs and len(row.wrote) > _EXCERPT,
    )


def _said(row: Any) -> shapes.Watched:
    (_, address), *_ = json.loads(row.recipients)["to"]
    return shapes.Watched(
        id=row.id,
        at=row.at,
        kind=row.kind,
        rule=row.rule,
        reason=row.reason,
        channel=row.channel,
        to=address,
        language=row.language,
        subject=row.subject,
        text=row.text,
        buttons=[label for label, *_ in json.loads(row.buttons)],
        conversation_id=row.conversation_id,
        case_id=row.case_id,
        reference=row.reference or "",
        message_id=row.message_id,
    )
