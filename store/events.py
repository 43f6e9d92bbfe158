"""Events that belong to no message: what happened to the house itself."""

from __future__ import annotations

from sqlalchemy import Connection

from store import rows
from store.bulk import insert


def append(connection: Connection, event: rows.Event) -> None:
    """Write an event; its cursor is a new id of the transaction."""
    insert(connection, [event])
