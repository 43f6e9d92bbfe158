"""What the store remembers for one channel: its units in the ledger, and its notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from store import notes, schema
from store.store import Store

_l = schema.ledger.c


@dataclass(frozen=True, slots=True)
class Past:
    """See `channels.base.Past`. Every verb may raise StoreUnavailable."""

    store: Store
    channel: str

    async def units(self, prefix: str, /) -> frozenset[str]:
        return await self.store.read(lambda c: _units(c, self.channel, prefix))

    async def recall(self, name: str) -> str:
        return await self.store.read(lambda c: notes.recall(c, self.channel, name))

    async def note(self, name: str, value: str) -> None:
        def work(connection: Connection, changes: Any) -> None:
            notes.note(connection, changes.new_id(), self.channel, name, value)

        await self.store.write(work)


def _units(connection: Connection, channel: str, prefix: str, /) -> frozenset[str]:
    """Neither LIKE, which knows no case on SQLite, nor a range, which depends on the collation."""
    size = len(prefix)
    query = select(func.substr(_l.unit, size + 1)).where(
        _l.channel == channel, func.substr(_l.unit, 1, size) == prefix
    )
    return frozenset(connection.execute(query).scalars())
