"""Columns reach PostgreSQL as they are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from store.arrays import array, register
from tests.daemon.servers import Postgres

COLUMNS: dict[str, list[Any]] = {
    "text": ["", "parcel", "荷物", "👩‍👩‍👧", 'a,"b"\\', "NULL", None, "x" * 100_000],
    "bytea": [b"", b"\0\xff", None, b"\r\n.\r\n" * 50_000],
    "bigint": [0, -1, 2**63 - 1, -(2**63), None],
    "integer": [0, 2**31 - 1, -(2**31), None],
    "boolean": [True, False, None],
}


@pytest.fixture
def connection(server: Postgres) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.dsn()) as connection:
        register(connection)
        yield connection


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_value_arrives_as_it_was(connection: psycopg.Connection, kind: str) -> None:
    for column in (COLUMNS[kind], COLUMNS[kind][:1], [None]):
        statement = f"SELECT * FROM unnest(%b::{kind}[])".encode()
        found = connection.execute(statement, [array(kind, column)]).fetchall()
        assert [value for (value,) in found] == column


@pytest.mark.parametrize(
    ("kind", "value"), [("bigint", 2**63), ("integer", 2**31), ("text", "\ud800")]
)
def test_what_no_column_holds_is_refused_before_it_is_sent(kind: str, value: object) -> None:
    with pytest.raises((struct.error, UnicodeEncodeError)):
        array(kind, [value])


def test_nul_in_a_text_is_the_rows_fault(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.DataError) as refused:
        connection.execute("SELECT %b::text[]", [array("text", ["a\0b"])])
    assert refused.value.sqlstate == "22021"
