"""Typed questions to the store: pure functions of a connection, for `await store.read(…)`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from sqlalchemy import Connection, Select, exists, func, select

from store import due, schema, shapes

T = TypeVar("T")
Order = Literal["oldest", "newest"]

MAX_LISTED_TEXT = 4000  # characters of a message's text in a list; all of it is in the message
MAX_EXCERPT = 200
_UNSHOWN = ("base_subject", "asking", "next_update_said_at")  # of a case
MAX_BESIDE = 100  # rows shown beside a conversation or a case that have a list of their own

_m, _c, _k = schema.messages.c, schema.conversations.c, schema.cases.c
_i, _o, _e = schema.identities.c, schema.outbox.c, schema.events.c
_f, _a = schema.follow_ups.c, schema.participants.c


def conversations(
    connection: Connection,
    *,
    after: int | None = None,
    limit: int = 50,
    order: Order = "oldest",
    identity: str | None = None,
) -> shapes.Conversations:
    """A page of conversations by id; `identity` finds the one of an address."""
    owned = exists().where(schema.identities.alias().c.customer_id == _c.customer_id)
    query = select(_c.id, _c.customer_id, _c.created_at).where(owned)  # or merged
    if identity is not None:
        query = query.join(schema.identities, _i.customer_id == _c.customer_id)
        query = query.where(_i.address == identity)
    found, next_ = _page(connection, query, _c.id, after, limit, order)
    people = _identities(connection, [row.customer_id for row in found])
    last = _last_messages(connection, [row.id for row in found])
    items = [
        shapes.ConversationItem(
            id=row.id,
            customer_id=row.customer_id,
            identities=people[row.customer_id],
            last_message=last.get(row.id),
            created_at=row.created_at,
        )
        for row in found
    ]
    return shapes.Conversations(items=items, next=next_)


def conversation(
    connection: Connection, id_: int, *, after: int | None = None, limit: int = 50
) -> shapes.ConversationView | None:
    """One conversation with a page of its messages; None when there is none."""
    t = schema.customers.c
    query = select(_c.created_at, t.id, t.language, t.name, t.created_at.label("since"))
    query = query.join(schema.customers, t.id == _c.customer_id).where(_c.id == id_)
    if (row := connection.execute(query).first()) is None:
        return None
    newest, _ = _page(
        connection, _cases().where(_k.conversation_id == id_), _k.id, None, MAX_BESIDE, "newest"
    )
    messages, next_ = _messages(connection, _m.conversation_id, id_, after, limit)
    return shapes.ConversationView(
        id=id_,
        customer=shapes.Customer(
            id=row.id, language=row.language, created_at=row.since, name=row.name
        ),
        identities=_identities(connection, [row.id])[row.id],
        cases=[_case(one) for one in newest],
        participants=_participants(connection, [one.id for one in newest]),
        messages=messages,
        next=next_,
        created_at=row.created_at,
    )


def cases(
    connection: Connection,
    *,
    after: int | None = None,
    limit: int = 50,
    order: Order = "oldest",
    status: str | None = None,
    conversation_id: int | None = None,
    owed_by: str | None = None,
) -> shapes.Cases:
    """A page of cases by id; `owed_by` finds those whose customer is to hear from us by then."""
    query = _cases()
    if owed_by is not None:
        query = query.where(_k.id.in_(due.owing(owed_by)))
    if status is not None:
        query = query.where(_k.status == status)
    if conversation_id is not None:
        query = query.where(_k.conversation_id == conversation_id)
    found, next_ = _page(connection, query, _k.id, after, limit, order)
    return shapes.Cases(items=[_case(row) for row in found], next=next_)


def case(
    connection: Connection, id_: int, *, after: int | None = None, limit: int = 50
) -> shapes.CaseView | None:
    """One case with a page of its messages; None when there is none."""
    row = connection.execute(_cases().where(_k.id == id_)).first()
    if row is None:
        return None
    messages, next_ = _messages(connection, _m.case_id, id_, after, limit)
    return shapes.CaseView(
        **msgspec.structs.asdict(_case(row)),
        participants=_participants(connection, [id_]),
        follow_ups=_follow_ups(connection, id_),
        messages=messages,
        next=next_,
    )


def events(connection: Connection, *, after: int = 0, limit: int = 50) -> shapes.Events:
    """The events behind a cursor, oldest first."""
    found, next_ = _page(connection, select(schema.events), _e.cursor, after, limit)
    items = [
        shapes.Event(
            cursor=row.cursor,
            type=row.type,
            conversation_id=row.conversation_id,
            at=row.at,
            data=decoded(row.data, dict[str, Any], {}),
        )
        for row in found
    ]
    return shapes.Events(items=items, next=next_)


def _page(
    connection: Connection,
    query: Select[Any],
    key: Any,
    after: int | None,
    limit: int,
    order: Order = "oldest",
) -> tuple[Sequence[Any], int | None]:
    """Up to `limit` rows behind a key, and the key to go on from when there are more."""
    if after is not None:
        query = query.where(key > after if order == "oldest" else key < after)
    ordered = query.order_by(key if order == "oldest" else key.desc()).limit(limit + 1)
    found = connection.execute(ordered).all()
    more = len(found) > limit
    return found[:limit], getattr(found[limit - 1], key.name) if more else None


def decoded(stored: str, kind: type[T], default: T) -> T:
    """A JSON column; what an older version wrote differently must not hide the row."""
    try:
        return msgspec.json.decode(stored, type=kind)
    except msgspec.MsgspecError:
        return default


def _identities(
    connection: Connection, customers: Iterable[int]
) -> defaultdict[int, list[shapes.Identity]]:
    found: defaultdict[int, list[shapes.Identity]] = defaultdict(list)
    query = select(schema.identities).where(_i.customer_id.in_(list(customers))).order_by(_i.id)
    for row in connection.execute(query):
        if len(found[row.customer_id]) < MAX_BESIDE:
            found[row.customer_id].append(
                shapes.Identity(
                    id=row.id, address=row.address, name=row.name, failing_since=row.failing_since
                )
            )
    return found


def _last_messages(connection: Connection, ids: Iterable[int]) -> dict[int, shapes.MessageItem]:
    newest = select(func.max(_m.id)).where(_m.conversation_id.in_(list(ids)))
    query = _listed(MAX_EXCERPT).where(_m.id.in_(newest.group_by(_m.conversation_id)))
    return {row.conversation_id: _item(row, MAX_EXCERPT) for row in connection.execute(query)}


def _messages(
    connection: Connection, column: Any, id_: int, after: int | None, limit: int
) -> tuple[list[shapes.MessageItem], int | None]:
    query = _listed(MAX_LISTED_TEXT).where(column == id_)
    found, next_ = _page(connection, query, _m.id, after, limit)
    return [_item(row, MAX_LISTED_TEXT) for row in found], next_


def _listed(length: int) -> Select[Any]:
    # What we send has its status in the outbox, and nowhere else.
    state = (
        select(_o.state)
        .where(_o.message_id == _m.id, _o.piece == 0)
        .order_by(_o.id.desc())
        .limit(1)
    )
    cut = func.substr(func.coalesce(_m.reply_text, _m.text), 1, length + 1)
    return select(
        _m.id, _m.conversation_id, _m.case_id, _m.channel, _m.direction, _m.kind,
        func.coalesce(state.scalar_subquery(), _m.status).label("state"), _m.message_id,
        _m.subject, cut.label("cut"), _m.language, _m.author, _m.received_at,
    )  # fmt: skip


def _item(row: Any, length: int) -> shapes.MessageItem:
    return shapes.MessageItem(
        id=row.id,
        conversation_id=row.conversation_id,
        case_id=row.case_id,
        channel=row.channel,
        direction=row.direction,
        kind=row.kind,
        status=row.state,
        message_id=row.message_id,
        subject=row.subject,
        reply_text=row.cut[:length],
        truncated=len(row.cut) > length,
        language=row.language,
        author=decoded(row.author, shapes.Author, shapes.Author()),
        received_at=row.received_at,
    )


def _cases() -> Select[Any]:
    return select(*(column for column in schema.cases.columns if column.name not in _UNSHOWN))


def _case(row: Any) -> shapes.Case:
    told = decoded(row.attributes, dict[str, str], {})
    tags = decoded(row.tags, list[str], [])
    return shapes.Case(**(row._asdict() | {"tags": tags, "attributes": told}))


def _participants(connection: Connection, cases: Sequence[int]) -> list[shapes.Participant]:
    query = (
        select(_a.case_id, _a.identity_id, _i.address, _i.name, _a.evidence, _a.added_at)
        .join(schema.identities, _i.id == _a.identity_id)
        .join(schema.cases, _k.id == _a.case_id)
        .where(_a.case_id.in_(cases), _a.removed_at.is_(None), _i.customer_id != _k.customer_id)
        .order_by(_a.id)
        .limit(MAX_BESIDE)
    )
    return [shapes.Participant(**row._asdict()) for row in connection.execute(query)]


def _follow_ups(connection: Connection, case_id: int) -> list[shapes.FollowUp]:
    query = due.shown().where(_f.case_id == case_id).order_by(_f.id.desc()).limit(MAX_BESIDE)
    return [shapes.FollowUp(**row._asdict()) for row in connection.execute(query)]
