"""What is to be delivered: claimed before the wire is touched, settled with what the peer said."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Connection, bindparam, exists, or_, select, text, update

from normalizer.message import Address, Automatic, Button, Kind, Message
from store import returned, rows, schema
from store.ahead import hasten
from store.bulk import insert, update_from
from store.domains import hold, is_put_off
from store.known import Changes
from store.prepared import Prepared
from store.rows import instant, moment

State = Literal["queued", "sending", "sent", "deferred", "failed", "in_doubt", "draft"]


class Delivery(NamedTuple):
    """One claimed row: what to send, on which channel, and how often it was tried before.

    Of a message that goes in several, `piece` says which this is; 0 is the last, or all of it.
    """

    id: int
    message: int
    conversation: int | None
    channel: str
    automatic: bool
    attempts: int
    content: Message
    created_at: datetime
    piece: int = 0

    @property
    def key(self) -> str:
        """The same each time this piece is tried."""
        id_ = self.content.message_id
        return f"{id_}/{self.piece}" if self.piece else id_


class Settlement(NamedTuple):
    """How a delivery ended: the state that its row gets, and when to try again if at all.

    `recipient` is whom the peer's word was about, where it said so; `domain_until`, until when
    others for its domain shall wait too. `doubted`: the peer may have it all the same. `astray` says
    why another way to the customer should be looked for.
    """

    id: int
    message: int
    conversation: int | None
    channel: str
    state: State
    attempts: int
    peer_id: str = ""
    error: str = ""
    retry_at: datetime | None = None
    address_dead: bool = False
    recipient: str = ""
    domain_until: datetime | None = None
    doubted: bool = False
    astray: str = ""


class Said(NamedTuple):
    """An automatic message: when, and the folded address and the domain that it counted for."""

    at: str
    budget_key: str
    domain: str


_ROBOT, _PERSON = Automatic(is_auto=True, kind="auto-generated"), Automatic()

_o, _m = schema.outbox.c, schema.messages.c


def claim(
    connection: Connection, channel: str, now: datetime, owner: str, lease: timedelta, limit: int,
    *, in_order: bool = False,
) -> list[Delivery]:  # fmt: skip
    """Take up to `limit` due rows of a channel: `sending` from the commit on.

    `in_order`: none before what was said earlier in its conversation has found its end.
    """
    due = _DUE[in_order, connection.dialect.name == "postgresql"]
    found = [
        _Due(*row) for row in due.run(connection, now=instant(now), channel=channel, most=limit)
    ]
    if found:
        until = instant(now + lease)
        _TAKE.run(connection, rows=[row.id for row in found], owner=owner, until=until)
    return [
        Delivery(
            row.id,
            row.message,
            row.conversation,
            channel,
            bool(row.automatic),
            row.attempts + 1,
            _content(row),
            moment(row.created_at),
            row.piece,
        )
        for row in found
    ]


class _Due(NamedTuple):
    """A row of `_DUE`."""

    id: int
    message: int
    conversation: int | None
    automatic: int
    attempts: int
    created_at: str
    kind: Kind
    message_id: str
    in_reply_to: str
    references: str
    recipients: str
    reply_to: str
    subject: str
    text: str
    language: str
    buttons: str
    piece: int
    unsubscribe: str


_QUEUED = (
    select(
        _o.id,
        _m.id,
        _o.conversation_id,
        _o.automatic,
        _o.attempts,
        _o.created_at,
        _m.kind,
        _m.message_id,
        _m.in_reply_to,
        _m.references,
        _m.recipients,
        _m.reply_to,
        _m.subject,
        _m.text,
        _m.language,
        _m.buttons,
        _o.piece,
        _m.unsubscribe,
    )
    .join(schema.messages, _m.id == _o.message_id)
    .where(
        _o.channel == bindparam("channel"),
        text("outbox.state IN ('queued', 'deferred')"),  # as the partial index says it
        _o.due_at <= bindparam("now"),
        ~is_put_off(),
    )
    .order_by(_o.due_at)
    .limit(bindparam("most"))
)
_earlier = schema.outbox.alias("earlier")
_e = _earlier.c
_IN_ORDER = _QUEUED.where(
    ~exists(
        select(_e.id)
        .where(
            _e.conversation_id == _o.conversation_id,
            _e.channel == _o.channel,
            _e.state.in_(["queued", "deferred", "sending"]),
            or_(
                _e.message_id < _o.message_id,
                (_e.message_id == _o.message_id)
                & (_e.piece > 0)
                & ((_o.piece == 0) | (_e.piece < _o.piece)),
            ),
        )
        .correlate(schema.outbox)
    )
)
_DUE = {
    (in_order, locks): Prepared(
        query.with_for_update(skip_locked=True, of=schema.outbox) if locks else query
    )
    for in_order, query in ((False, _QUEUED), (True, _IN_ORDER))
    for locks in (False, True)
}
_TAKE = Prepared(
    update(schema.outbox)
    .where(_o.id.in_(bindparam("rows", expanding=True)))
    .values(
        state="sending",
        lease_owner=bindparam("owner"),
        lease_until=bindparam("until"),
        attempts=_o.attempts + 1,
        astray="",
    )
)


def _content(row: _Due) -> Message:
    recipients = json.loads(row.recipients)
    return Message(
        kind=row.kind,
        message_id=row.message_id,
        in_reply_to=row.in_reply_to,
        references=tuple(json.loads(row.references)),
        to=tuple(Address(*pair) for pair in recipients.get("to", ())),
        cc=tuple(Address(*pair) for pair in recipients.get("cc", ())),
        reply_to=(Address("", row.reply_to),) if row.reply_to else (),
        subject=row.subject,
        text=row.text,
        language=row.language,
        buttons=tuple(Button(*button) for button in json.loads(row.buttons)),
        unsubscribe=row.unsubscribe,
        automatic=_ROBOT if row.automatic else _PERSON,
    )


# A report may be here before we have written that the mail was sent: then it has failed.
_SETTLE = """
    UPDATE outbox SET state = CASE WHEN state = 'failed' THEN state ELSE v.column2 END,
                      error = CASE WHEN state = 'failed' THEN error ELSE v.column4 END,
                      peer_id = v.column3, due_at = v.column5, domain_until = v.column6,
                      lease_until = NULL
    FROM ({values}) AS v WHERE outbox.id = CAST(v.column1 AS BIGINT)"""


def settle(
    connection: Connection, changes: Changes, now: datetime, settlements: Sequence[Settlement]
) -> None:
    """Write how deliveries ended, with an event each."""
    at = instant(now)
    ended = [
        (s.id, s.state, s.peer_id, s.error, instant(s.retry_at or now), _until(s))
        for s in settlements
    ]
    update_from(connection, _SETTLE, ended)
    hold(connection, [(s.id, s.channel, until) for s in settlements if (until := _until(s))])
    told = [rows.Event(changes.new_id(), f"delivery.{s.state}", s.conversation, at, _told(s))
            for s in settlements]  # fmt: skip
    insert(connection, told)
    for s in settlements:
        if s.doubted:
            _DOUBT.run(connection, row=s.id)
        if s.astray:
            _STRAY.run(connection, row=s.id, why=s.astray)
        if s.state == "failed":
            _ABANDON.run(connection, of_message=s.message)
        if s.address_dead:
            returned.address_dead(connection, changes, s.message, at, s.recipient)


_DOUBT = Prepared(update(schema.outbox).where(_o.id == bindparam("row")).values(doubted=True))
_STRAY = Prepared(
    update(schema.outbox).where(_o.id == bindparam("row")).values(astray=bindparam("why"))
)
# Half of what we say helps nobody: what follows a piece that was refused is not sent.
_ABANDON = Prepared(
    update(schema.outbox)
    .where(_o.message_id == bindparam("of_message"), _o.state.in_(["queued", "deferred"]))
    .values(state="failed", error="an earlier part of it was refused", lease_until=None)
)


def _until(s: Settlement) -> str | None:
    return instant(s.domain_until) if s.domain_until else None


def _told(s: Settlement) -> str:
    data = {"message_id": s.message, "channel": s.channel, "attempts": s.attempts}
    return json.dumps(data | ({"error": s.error} if s.error else {}))


def recover(
    connection: Connection, changes: Changes, now: datetime, owner: str,
    under_way: Callable[[], Collection[int]] = tuple,
) -> int:  # fmt: skip
    """Settle what a dead process was sending: its own rows at once, another's after their lease.

    What is `under_way` is alive, whatever the clock says: it may have been set forward since. And
    if it was set back, what was queued by then is due.

    Nobody knows whether the peer has it. Automatic mail is better missed than said twice; what a
    person wrote goes again under the same Message-ID.
    """
    dead = (_o.lease_owner == owner) | (_o.lease_until < instant(now))
    query = (
        select(_o.id, _o.message_id, _o.conversation_id, _o.channel, _o.automatic, _o.attempts)
        .where(_o.state == "sending", dead)
        .with_for_update(skip_locked=True)
    )
    hasten(connection, now)
    alive = under_way()
    found = [row for row in connection.execute(query) if row.id not in alive]
    ended = [
        Settlement(
            row.id,
            row.message_id,
            row.conversation_id,
            row.channel,
            "in_doubt" if row.automatic else "queued",
            row.attempts,
            error="the process ended while this was being sent",
            doubted=True,
        )
        for row in found
    ]
    if ended:
        settle(connection, changes, now, ended)
    return len(ended)


def said_since(connection: Connection, since: str) -> list[Said]:
    """What we said by ourselves, the oldest first; of very much the latest hundred thousand."""
    query = (
        select(_o.created_at, _o.budget_key, _o.domain)
        .where(_o.automatic, _o.created_at > since, _o.piece == 0)
        .order_by(_o.created_at.desc())
        .limit(100_000)
    )
    return [Said(*row) for row in reversed(connection.execute(query).all())]
