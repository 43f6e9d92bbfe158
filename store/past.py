"""What the store remembers for one channel: its units in the ledger, and its notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update

from store import schema
from store.store import Store

_l, _n = schema.ledger.c, schema.notes.c


@dataclass(frozen=True, slots=True)
class Past:
    """See `channels.base.Past`. Every verb may raise StoreUnavailable."""

    store: Store
    channel: str

    async def units(self, prefix: str, /) -> frozenset[str]:
        return await self.store.read(lambda c: _units(c, self.channel, prefix))

    async def recall(self, name: str) -> str:
        query = select(_n.value).where(_n.channel == self.channel, _n.name == name)
        found: str | None = await self.store.read(lambda c: c.execute(query).scalar())
        return found or ""

    async def note(self, name: str, value: str) -> None:
        def work(connection: Connection, changes: Any) -> None:
            _note(connection, changes.new_id(), self.channel, name, value)

        await self.store.write(work)


def _units(connection: Connection, channel: str, prefix: str, /) -> frozenset[str]:
    """Neither LIKE, which knows no case on SQLite, nor a range, which depends on the collation."""
    size = len(prefix)
    query = select(func.substr(_l.unit, size + 1)).where(
        _l.channel == channel, func.substr(_l.unit, 1, size) == prefix
    )
    return frozenset(connection.execute(query).scalars())


def _note(connection: Connection, id_: int, channel: str, name: str, value: str) -> None:
    mine = (_n.channel == channel, _n.name == name)
    if not connection.execute(update(schema.notes).where(*mine).values(value=value)).rowcount:
        row = {"id": id_, "channel": channel, "name": name, "value": value}
        connection.execute(schema.notes.insert().values(row))
