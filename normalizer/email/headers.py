"""Header fields of one entity: found, counted and unfolded, never refused (RFC 5322 section 2.2)."""

from __future__ import annotations

import re

# A block larger than this holds no mail that anybody wrote; the rest stays in the raw mail.
MAX_BLOCK = 256 * 1024
MAX_VALUE = 64 * 1024

_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_LINE = re.compile(rb"(?:[!-9;-~]+[ \t]*:|[ \t]|From |>From )")


class Headers:
    """The fields in their order, and by lower-case name; values are raw bytes with their folds."""

    __slots__ = ("_by_name", "pairs")

    def __init__(self, pairs: list[tuple[str, bytes]]) -> None:
        self.pairs = pairs
        self._by_name: dict[str, list[bytes]] = {}
        for name, value in pairs:
            self._by_name.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def all(self, name: str) -> list[bytes]:
        return self._by_name.get(name, [])

    def raw(self, name: str) -> bytes:
        """The first field of that name, unfolded; empty when there is none."""
        values = self._by_name.get(name)
        return unfold(values[0]) if values else b""

    def ascii(self, name: str) -> str:
        """The first field of that name as lower-case text, for keywords."""
        values = self._by_name.get(name)
        return unfold(values[0]).decode("latin-1").lower() if values else ""

    def first(self, names: frozenset[str]) -> str:
        """The first field that bears one of these names; empty when none does."""
        if names.isdisjoint(self._by_name):
            return ""
        return next(name for name in self._by_name if name in names)


def unfold(value: bytes) -> bytes:
    """RFC 5322 section 2.2.3: a fold's line break goes, its white space stays."""
    value = value[:MAX_VALUE]
    return (value.replace(b"\n", b"") if b"\n" in value else value).strip(b" \t\r")


def split(data: bytes, begin: int = 0, end: int | None = None) -> tuple[Headers, int, list[str]]:
    """The fields of the entity that is `data[begin:end]`, where its body begins, what was wrong.

    `data` has LF line ends. A line that is no field begins the body when no field follows it
    before the empty line; otherwise it is passed over.
    """
    end = len(data) if end is None else end
    if data.startswith(b"\n", begin, end):
        return Headers([]), begin + 1, []
    empty = data.find(b"\n\n", begin, end)
    stop = end if empty < 0 else empty
    defects = ["long-headers"] if stop - begin > MAX_BLOCK else []
    block = data[begin : min(stop, begin + MAX_BLOCK)].replace(b"\0", b"\1")
    found = _FIELD.findall(block)
    if block.count(b"\n") + 1 != len(found) + block.count(b"\n ") + block.count(b"\n\t"):
        early = _body_without_separator(block)
        if early >= 0:
            found = _FIELD.findall(block[:early])
            return Headers(_named(found)), begin + early, [*defects, "missing-separator"]
        if not block.startswith((b"From ", b">From ")):
            defects.append("stray-header-line")
    return Headers(_named(found)), min(stop + 2, end), defects


def _named(found: list[tuple[bytes, bytes]]) -> list[tuple[str, bytes]]:
    return [(name.decode("ascii").lower(), value) for name, value in found]


def _body_without_separator(block: bytes) -> int:
    """Where a body begins that no empty line precedes; -1 when the stray lines lie between fields."""
    start = -1
    position = 0
    for line in block.split(b"\n"):
        if _LINE.match(line):
            if not line.startswith((b" ", b"\t")):
                start = -1
        elif line.startswith(b"--"):
            # No field's name begins so, but a boundary does.
            return position if start < 0 else start
        elif start < 0:
            start = position
        position += len(line) + 1
    return start
