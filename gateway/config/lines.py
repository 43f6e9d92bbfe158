"""On which line of a TOML text each key stands; tomllib keeps no lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

KeyPath = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\r]+|\#[^\n]*)
  | (?P<newline>\n)
  | (?P<text>\"\"\"(?:\\.|[^\\])*?\"\"\"\"{0,2}|'''.*?''''{0,2}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
  | (?P<sign>[][{},=.])
  | (?P<bare>[^][{},=."'\#\s]+)
  | (?P<stray>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Position(NamedTuple):
    """A key, or an entry of a list, and the line (from 1) on which it begins."""

    path: KeyPath
    line: int


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def positions(text: str) -> tuple[Position, ...]:
    """Every key in the order of the text, `channel[0].listen` as ("channel", 0, "listen").

    Total: of a text that is not TOML it tells what can be told.
    """
    return tuple(_Scanner(tuple(_tokens(text))).statements())


def printed(path: KeyPath) -> str:
    """The path as people read it: `channel[0].listen`."""
    said = "".join(f"[{key}]" if isinstance(key, int) else f".{_quoted(key)}" for key in path)
    return said.removeprefix(".")


def _quoted(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key, re.ASCII) else f'"{key}"'


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for found in _TOKEN.finditer(text):
        if found.lastgroup != "blank":
            yield _Token(found.lastgroup or "", found[0], line)
        line += found[0].count("\n")
    yield _Token("end", "", line)


def _key(token: _Token) -> str:
    if token.kind != "text":
        return token.text
    try:
        return str(tomllib.loads(f"key = {token.text}")["key"])
    except tomllib.TOMLDecodeError:
        return token.text


class _Scanner:
    """Reads the tokens from left to right; `table` is the header above."""

    def __init__(self, tokens: tuple[_Token, ...]) -> None:
        self.tokens = tokens
        self.at = 0
        self.table: KeyPath = ()
        self.lists: dict[KeyPath, int] = {}

    @property
    def now(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.now
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def skips(self, *texts: str) -> bool:
        """Step over one of these signs if it comes next."""
        if self.now.kind in {"sign", "newline"} and self.now.text in texts:
            self.take()
            return True
        return False

    def statements(self) -> Iterator[Position]:
        while self.now.kind != "end":
            if self.skips("["):
                yield from self.header()
            elif not self.skips("\n"):
                yield from self.pair(self.table)
                self.rest_of_line()

    def header(self) -> Iterator[Position]:
        """`[table]`, or one more entry of `[[list]]`."""
        line, is_list = self.now.line, self.skips("[")
        keys = self.keys()
        self.table = self.entered(keys[:-1]) + keys[-1:]
        if is_list:
            count = self.lists.get(self.table, 0)
            self.lists[self.table] = count + 1
            self.table = (*self.table, count)
        else:
            self.table = self.entered(keys)
        yield Position(self.table, line)
        self.rest_of_line()

    def entered(self, keys: tuple[str, ...]) -> KeyPath:
        """The path of a header's keys: inside a list they mean its last entry (TOML 1.0)."""
        path: KeyPath = ()
        for key in keys:
            path = (*path, key)
            if path in self.lists:
                path = (*path, self.lists[path] - 1)
        return path

    def keys(self) -> tuple[str, ...]:
        found = []
        while self.now.kind in {"bare", "text"}:
            found.append(_key(self.take()))
            if not self.skips("."):
                break
        return tuple(found)

    def pair(self, table: KeyPath) -> Iterator[Position]:
        line, path = self.now.line, table
        for key in self.keys():
            path = (*path, key)
            yield Position(path, line)
        if self.skips("="):
            yield from self.value(path)

    def value(self, path: KeyPath) -> Iterator[Position]:
        if self.skips("["):
            yield from self.entries(path)
        elif self.skips("{"):
            yield from self.inline_table(path)
        else:
            while self.now.kind in {"bare", "text", "stray"} or self.now.text == ".":
                self.take()

    def entries(self, path: KeyPath) -> Iterator[Position]:
        index = 0
        while self.now.kind != "end" and not self.skips("]"):
            if self.skips("\n", ","):
                continue
            start = self.at
            yield Position((*path, index), self.now.line)
            yield from self.value((*path, index))
            index += 1
            if self.at == start:
                return

    def inline_table(self, path: KeyPath) -> Iterator[Position]:
        while self.now.kind != "end" and not self.skips("}"):
            start = self.at
            if not self.skips("\n", ","):
                yield from self.pair(path)
            if self.at == start:
                return

    def rest_of_line(self) -> None:
        while self.now.kind not in {"newline", "end"}:
            self.take()
