"""Many rows in one statement.

The driver lets go of the interpreter's lock at each step of a statement, and gets it back only
when the loop pauses. Measured under load, a batch that is written row by row spends most of its
time waiting for that; one statement a table waits once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    LargeBinary,
    Table,
    Text,
)

from store import schema
from store.arrays import array
from store.rows import TABLES

_MOST_PARAMETERS = 16_000  # of 32,766 (SQLite) and 65,535 (PostgreSQL)


def insert(connection: Connection, added: Sequence[tuple[Any, ...]]) -> None:
    """Insert typed rows of one table; a blob that is there already stays."""
    row_type, width = type(added[0]), len(added[0])
    if connection.dialect.name != "sqlite":
        kinds = _kinds(row_type)
        columns = zip(*added, strict=True)
        _run(connection, _insert_arrays(row_type), list(map(array, kinds, columns)))
        return
    step = _MOST_PARAMETERS // width
    for start in range(0, len(added), step):
        part = added[start : start + step]
        execute(connection, _insert(row_type, len(part)), part)


@contextmanager
def pipelined(connection: Connection) -> Iterator[None]:
    """Statements whose results nobody needs: PostgreSQL gets them without an answer to each."""
    if connection.dialect.name == "sqlite":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    with driver.pipeline():
        yield


def execute(connection: Connection, statement: str, data: Iterable[tuple[Any, ...]]) -> None:
    """Run a statement of ours with the values of all these rows, one after the other."""
    _run(connection, statement, tuple(chain.from_iterable(data)))


def _run(connection: Connection, statement: str, parameters: Sequence[Any]) -> None:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement, parameters)
    finally:
        cursor.close()


@lru_cache(maxsize=2048)
def _insert(row_type: type[tuple[Any, ...]], count: int) -> str:
    table = TABLES[row_type]
    return f"{_into(table)} {values('?', len(table.columns), count)}{_unless(table)}"


@lru_cache(maxsize=32)
def _insert_arrays(row_type: type[tuple[Any, ...]]) -> str:
    """One array a column, so that one prepared statement serves batches of every size."""
    table = TABLES[row_type]
    arrays = ", ".join(f"%b::{kind}[]" for kind in _kinds(row_type))
    return f"{_into(table)} SELECT * FROM unnest({arrays}){_unless(table)}"  # noqa: S608  our names


@lru_cache(maxsize=32)
def _kinds(row_type: type[tuple[Any, ...]]) -> tuple[str, ...]:
    return tuple(map(_kind, TABLES[row_type].columns))


def _into(table: Table) -> str:
    # Every name of ours is lower case; quoted, so that `references` is no keyword.
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    return f"INSERT INTO {table.name} ({columns})"


def _unless(table: Table) -> str:
    return " ON CONFLICT (sha256) DO NOTHING" if table is schema.blobs else ""


def _kind(column: Column[Any]) -> str:
    names = {Boolean: "boolean", LargeBinary: "bytea", Text: "text", BigInteger: "bigint"}
    return next((name for kind, name in names.items() if isinstance(column.type, kind)), "integer")


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"


def values(mark: str, width: int, count: int) -> str:
    """`VALUES (…), (…)`: both databases call its columns `column1`, `column2`, …"""
    return "VALUES " + ", ".join([f"({', '.join([mark] * width)})"] * count)


def update_from(connection: Connection, statement: str, data: Sequence[tuple[Any, ...]]) -> None:
    """Run an `UPDATE … FROM ({values}) AS v` for all rows at once."""
    listed = values(_mark(connection), len(data[0]), len(data))
    execute(connection, statement.format(values=listed), data)
