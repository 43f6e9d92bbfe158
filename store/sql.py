"""The hot path's SQL: Core statements compiled once, and many rows in one statement.

The driver lets go of the interpreter's lock at each step of a statement, and gets it back only
when the loop pauses. Measured under load, a batch that is written row by row spends most of its
time waiting for that; one statement a table waits once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    ClauseElement,
    Column,
    Connection,
    LargeBinary,
    Table,
    Text,
    create_engine,
)
from sqlalchemy.sql.compiler import SQLCompiler

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


_IN_LIST = re.compile(r"IN \(__\[POSTCOMPILE_\w+\]\)")


class Prepared:
    """A Core statement as the driver takes it: compiled at its first use on each database.

    Expanding parameters (`IN`) take a list. Rows come back as the driver's own tuples.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[tuple[str, Any], ...]]] = {}

    def run(self, connection: Connection, **given: Any) -> list[tuple[Any, ...]]:
        """Execute on the connection's open transaction; the driver's own errors come out."""
        text, known = self._compiled.get(connection.dialect.name) or self._compile(connection)
        parameters: list[Any] = []
        for name, constant in known:
            value = given.get(name, constant)
            if isinstance(value, list):
                value = list(filter(is_findable, value))
            if isinstance(value, list) and connection.dialect.name == "sqlite":
                text = text.replace(f"(__[POSTCOMPILE_{name}])", f"({_marks('?', len(value))})")
                parameters += value
            else:
                parameters.append(value)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, parameters)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()

    def _compile(self, connection: Connection) -> tuple[str, tuple[tuple[str, Any], ...]]:
        name = connection.dialect.name
        style = "qmark" if name == "sqlite" else "format"
        driver = f"{name}+{connection.dialect.driver}://"
        dialect = create_engine(driver, paramstyle=style).dialect
        compiled = cast("SQLCompiler", self._statement.compile(dialect=dialect))
        names = compiled.positiontup or ()
        # One array instead of a list of any length: PostgreSQL plans the statement once.
        text = str(compiled) if name == "sqlite" else _IN_LIST.sub("= ANY(%s)", str(compiled))
        found = text, tuple((key, compiled.params.get(key)) for key in names)
        self._compiled[name] = found
        return found


def is_findable(value: object) -> bool:
    """Whether a database may hold it: none takes NUL or half of a surrogate pair in a text."""
    try:
        return not isinstance(value, str) or b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"


def _marks(mark: str, count: int) -> str:
    # IN () is no SQL; nothing equals NULL.
    return ", ".join([mark] * count) or "NULL"


def insert(connection: Connection, added: Sequence[tuple[Any, ...]]) -> None:
    """Insert typed rows of one table; a blob that is there already stays."""
    row_type, width = type(added[0]), len(added[0])
    if connection.dialect.name != "sqlite":
        _run(
            connection,
            _insert_arrays(row_type),
            [list(column) for column in zip(*added, strict=True)],
        )
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
    arrays = ", ".join(f"%b::{_array_type(column)}[]" for column in table.columns)
    return f"{_into(table)} SELECT * FROM unnest({arrays}){_unless(table)}"  # noqa: S608  our names


def _into(table: Table) -> str:
    # Every name of ours is lower case; quoted, so that `references` is no keyword.
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    return f"INSERT INTO {table.name} ({columns})"


def _unless(table: Table) -> str:
    return " ON CONFLICT (sha256) DO NOTHING" if table is schema.blobs else ""


def _array_type(column: Column[Any]) -> str:
    names = {Boolean: "boolean", LargeBinary: "bytea", Text: "text", BigInteger: "bigint"}
    return next((name for kind, name in names.items() if isinstance(column.type, kind)), "integer")


def values(mark: str, width: int, count: int) -> str:
    """`VALUES (…), (…)`: both databases call its columns `column1`, `column2`, …"""
    return "VALUES " + ", ".join([f"({_marks(mark, width)})"] * count)


def update_from(connection: Connection, statement: str, data: Sequence[tuple[Any, ...]]) -> None:
    """Run an `UPDATE … FROM ({values}) AS v` for all rows at once."""
    listed = values(_mark(connection), len(data[0]), len(data))
    execute(connection, statement.format(values=listed), data)
