"""What was said between us and one identity on one channel: nobody else's words are ever found."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Select, select

from normalizer.message import Button, Identity, Spooled
from normalizer.said import Enclosed, Said
from store import schema
from store.rows import moment
from store.store import Store

MOST = 100  # messages, the latest ones
# What a person at the desk writes to colleagues has none of these kinds.
_KINDS = ("message", "acknowledgement", "follow_up", "notice", "reply", "survey")
# From the moment in which a message is handed to its channel: not a draft, nor what waits its time.
# What failed, because nobody was there to take it, is there for whoever comes back.
_HANDED = ("sending", "sent", "in_doubt", "failed")
_m, _o, _p = schema.messages.c, schema.outbox.c, schema.parts.c
_i, _c, _b = schema.identities.c, schema.conversations.c, schema.blobs.c
_SHOWN = ("attachment", "inline")


@dataclass(frozen=True, slots=True)
class Inbox:
    """See `channels.inbox.Inbox`. Either verb may raise StoreUnavailable."""

    store: Store
    channel: str

    async def said(self, to: Identity, /) -> tuple[Said, ...]:
        return await self.store.read(lambda c: said(c, self.channel, str(to)))

    async def octets(self, sha256: str, /) -> bytes | Spooled | None:
        return await self.store.read(lambda c: octets(c, sha256, self.store.blobs.path))


def said(connection: Connection, channel: str, address: str) -> tuple[Said, ...]:
    """The latest messages, the oldest of them first; `address` is an identity as it is stored."""
    query = _messages(channel, address).order_by(_m.id.desc()).limit(MOST)
    found = connection.execute(query).all()[::-1]
    files = _files(connection, [row.id for row in found])
    return tuple(
        Said(
            row.message_id,
            row.direction == "out",
            row.kind,
            row.text,
            moment(row.received_at),
            row.reference or "",
            tuple(Button(*button) for button in json.loads(row.buttons)),
            tuple(files[row.id]),
        )
        for row in found
    )


def _messages(channel: str, address: str) -> Select[tuple[object, ...]]:
    """By the conversation, which has an index; a message's own identity is what decides."""
    return (
        select(
            _m.id, _m.message_id, _m.direction, _m.kind, _m.text, _m.received_at, _m.buttons,
            schema.cases.c.reference,
        )
        .select_from(schema.identities)
        .join(schema.conversations, _c.customer_id == _i.customer_id)
        .join(schema.messages, (_m.conversation_id == _c.id) & (_m.identity_id == _i.id))
        .outerjoin(schema.cases, schema.cases.c.id == _m.case_id)
        .outerjoin(schema.outbox, (_o.message_id == _m.id) & (_o.piece == 0))
        .where(
            _i.address == address,
            _m.channel == channel,
            _m.kind.in_(_KINDS),
            (_m.direction == "in") | _o.state.in_(_HANDED),
        )
    )  # fmt: skip


def _files(connection: Connection, messages: Iterable[int]) -> defaultdict[int, list[Enclosed]]:
    found: defaultdict[int, list[Enclosed]] = defaultdict(list)
    query = select(*_p).where(_p.message_id.in_(list(messages)), _p.role.in_(_SHOWN))
    for row in connection.execute(query.order_by(_p.id)):
        if row.sha256:  # else it is yet to be fetched
            file = Enclosed(row.filename, row.content_type, row.size, row.sha256)
            found[row.message_id].append(file)
    return found


def octets(
    connection: Connection, sha256: str, path: Callable[[str], Path]
) -> bytes | Spooled | None:
    """The bytes of a file that `said` named; a large one's file, which `path` finds."""
    row = connection.execute(select(_b.data, _b.size).where(_b.sha256 == sha256)).first()
    if row is None:
        return None
    return Spooled(str(path(sha256)), row.size, sha256) if row.data is None else bytes(row.data)
