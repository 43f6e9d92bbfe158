"""Columns as PostgreSQL takes arrays in binary, encoded in one go.

The driver's own encoder goes from element to element in Python, and asks each for its type.
Source: array_recv, textrecv, int8recv in PostgreSQL's src/backend/utils/adt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from struct import Struct
from typing import Any

_HEAD = Struct("!iiIii").pack  # dimensions, whether any is NULL, type; length, first index
_LENGTH = Struct("!i").pack
_NULL = _LENGTH(-1)

Column = Sequence[Any]


class Array(bytes):
    """An array as it goes over the wire; the statement says of what type it is."""

    __slots__ = ()


def array(kind: str, column: Column) -> Array:
    """The values of a column whose type is `kind`, as `text`; they may be None.

    Raises UnicodeEncodeError and struct.error for what no such column can hold.
    """
    oid, elements = _KINDS[kind]
    head = _HEAD(1, None in column, oid, len(column), 1)
    return Array(head + b"".join(elements(column)))


def _texts(column: Column) -> Iterator[bytes]:
    return _octets([None if value is None else value.encode() for value in column])


def _octets(column: Column) -> Iterator[bytes]:
    for value in column:
        if value is None:
            yield _NULL
        else:
            yield _LENGTH(len(value))
            yield value


def _numbers(code: str) -> Callable[[Column], Iterator[bytes]]:
    number = Struct(f"!i{code}")
    pack, length = number.pack, number.size - len(_NULL)
    return lambda column: (_NULL if value is None else pack(length, value) for value in column)


_KINDS = {
    "text": (25, _texts),
    "bytea": (17, _octets),
    "bigint": (20, _numbers("q")),
    "integer": (23, _numbers("i")),
    "boolean": (16, _numbers("?")),
}  # pg_type.dat


def register(connection: Any) -> None:
    """Let a connection of psycopg send such arrays; it is loaded only with PostgreSQL."""
    from psycopg.adapt import Dumper
    from psycopg.pq import Format

    class Sent(Dumper):
        """As it is, and of no type of its own."""

        format = Format.BINARY

        def dump(self, obj: Array) -> Array:
            return obj

    connection.adapters.register_dumper(Array, Sent)
