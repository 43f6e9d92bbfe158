"""Many rows in one statement.

The driver lets go of the interpreter's lock at each step of a statement, and gets it back only
when the loop pauses. Measured under load, a batch that is written row by row spends most of its
time waiting for that; one statement a table waits once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from store import rows, schema

TABLES = {
    rows.Customer: schema.customers,
    rows.Identity: schema.identities,
    rows.Conversation: schema.conversations,
    rows.Case: schema.cases,
    rows.Blob: schema.blobs,
    rows.Message: schema.messages,
    rows.Part: schema.parts,
    rows.Ledger: schema.ledger,
    rows.Outbox: schema.outbox,
    rows.FollowUp: schema.follow_ups,
    rows.Event: schema.events,
}

_MOST_PARAMETERS = 16_000  # of 32,766 (SQLite) and 65,535 (PostgreSQL)


def insert(connection: Connection, added: Sequence[tuple[Any, ...]]) -> None:
    """Insert typed rows of one table; a blob that is there already stays."""
    row_type, width = type(added[0]), len(added[0])
    step = _MOST_PARAMETERS // width
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    for start in range(0, len(added), step):
        part = added[start : start + step]
        statement = _insert(row_type, len(part), mark)
        connection.exec_driver_sql(statement, tuple(chain.from_iterable(part)))


@lru_cache(maxsize=2048)
def _insert(row_type: type[tuple[Any, ...]], count: int, mark: str) -> str:
    table = TABLES[row_type]
    # Every name of ours is lower case; quoted, so that `references` is no keyword.
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    values = ", ".join([f"({', '.join([mark] * len(table.columns))})"] * count)
    unless = " ON CONFLICT (sha256) DO NOTHING" if table is schema.blobs else ""
    return f"INSERT INTO {table.name} ({columns}) VALUES {values}{unless}"  # noqa: S608  names are ours


def values(mark: str, width: int, count: int) -> str:
    """`VALUES (…), (…)`: both databases call its columns `column1`, `column2`, …"""
    return "VALUES " + ", ".join([f"({', '.join([mark] * width)})"] * count)
