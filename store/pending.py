"""Parts that a channel has yet to fetch, and what came of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, select, text, update

from store import rows, schema
from store.bulk import insert
from store.known import Changes, Raw

_p, _m = schema.parts.c, schema.messages.c


class Pending(NamedTuple):
    """A part without its bytes: `source` is where its channel finds them."""

    id: int
    channel: str
    source: str


def pending(
    connection: Connection, channels: Collection[str], after: int, limit: int
) -> list[Pending]:
    """Up to `limit` pending parts of these channels with an id above `after`, in their order."""
    query = (
        select(_p.id, _m.channel, _p.source)
        .join(schema.messages, _m.id == _p.message_id)
        .where(text("parts.source <> ''"), _p.id > after, _m.channel.in_(channels))
        .order_by(_p.id)
        .limit(limit)
    )
    return [Pending(*row) for row in connection.execute(query)]


def fetched(connection: Connection, changes: Changes, part: Pending, raw: Raw) -> None:
    """The bytes are here; small ones come along, large ones are a blob already."""
    if raw.data is not None:
        insert(connection, [rows.Blob(changes.new_id(), raw.sha256, raw.size, raw.data)])
    _settle(connection, part, size=raw.size, sha256=raw.sha256)


def unavailable(connection: Connection, part: Pending) -> None:
    """Nobody will ever have the bytes: neither a source nor a hash."""
    _settle(connection, part)


def _settle(connection: Connection, part: Pending, **values: str | int) -> None:
    """Unless a new reading of the message has put another part in its place."""
    here = (_p.id == part.id) & (_p.source == part.source)
    connection.execute(update(schema.parts).where(here).values(source="", **values))
