"""The file as it was written: its text, what tomllib reads in it, and on which line each key stands."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from gateway.config.errors import ConfigError, Problem
from gateway.config.lines import KeyPath, Position, positions, printed

_PLACE = re.compile(
    r"(?P<said>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|.*)\)", re.DOTALL
)
_KEY = re.compile(r"\s*[\w.\"'-]+\s*=", re.ASCII)
_STATEMENT = re.compile(r"\s*(?:$|#|\[|[\w.\"'-]+\s*=)", re.ASCII)
_NO_VALUE = (
    'this is not a value; a text stands in straight quotes, as in key = "4 hours", '
    "and true and false in lower case without"
)
_MEANING = {
    "Expected newline or end of document after a statement": _NO_VALUE,
    "Invalid value": _NO_VALUE,
    "Illegal character '\\n'": "the closing quote is missing",
    "Unclosed array": 'a comma or the closing "]" is missing before this',
    "Unclosed inline table": 'the closing "}" is missing on this line',
    "Unterminated string": "the closing quote is missing",
    "Unescaped '\\' in a string": "write \\\\ for \\, or single quotes around the text",
}


class _Wrong(NamedTuple):
    """What tomllib stopped at, and whether the file reads on without this one line.

    It does if the line begins with a key, goes wrong in the value and ends there; a header or an
    unclosed list would leave the lines below it in the wrong place.
    """

    path: KeyPath
    problem: Problem
    reads_on: bool


@dataclass(frozen=True)
class Source:
    """What was read; `broken` are the keys whose value is not TOML, left out of `data`."""

    path: Path
    data: dict[str, Any]
    places: tuple[Position, ...]
    broken: frozenset[KeyPath]
    problems: tuple[Problem, ...]

    def line(self, path: KeyPath) -> int:
        """The line of a key, or of the table in which it is missing; 0 for the whole file."""
        for end in range(len(path), 0, -1):
            for place in self.places:
                if place.path[:end] == path[:end]:
                    return place.line
        return 0

    def place(self, path: KeyPath) -> str:
        """Where a key stands, as errors say it: `config.toml:12: channel[0].language`."""
        line = self.line(path)
        return f"{self.path}:{line}: {printed(path)}" if line else f"{self.path}: {printed(path)}"

    def problem(self, path: KeyPath, message: str) -> Problem:
        return Problem(self.line(path), printed(path), message)


def read(path: Path) -> Source:
    """Read a file; ConfigError if it cannot be read, or not well enough to go on."""
    text = _text(path)
    try:
        return _parsed(path, text, positions(text))
    except RecursionError:
        raise ConfigError(path, [Problem(0, "", "brackets nest too deeply")]) from None


def _parsed(path: Path, text: str, places: tuple[Position, ...]) -> Source:
    lines = text.split("\n")
    wrong: list[_Wrong] = []
    while True:
        try:
            data = tomllib.loads("\n".join(lines))
        except tomllib.TOMLDecodeError as error:
            wrong.append(_located(str(error), lines, places))
        else:
            broken = frozenset(one.path for one in wrong)
            return Source(path, data, places, broken, tuple(one.problem for one in wrong))
        if not wrong[-1].reads_on:
            raise ConfigError(path, sorted(one.problem for one in wrong))
        lines[wrong[-1].problem.line - 1] = ""


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(path, [Problem(0, "", f"cannot be read: {error.strerror}")]) from None
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, [Problem(line, "", "is not UTF-8; save it as UTF-8")]) from None


def _located(error: str, lines: list[str], places: tuple[Position, ...]) -> _Wrong:
    found = _PLACE.fullmatch(error)
    if not found or not found["line"]:
        # At the end of the file, because something that began with the last key never ended.
        last = places[-1] if places else Position((), len(lines))
        said = _meaning(found["said"] if found else error)
        return _Wrong(last.path, Problem(last.line, printed(last.path), said), reads_on=False)
    line, column = int(found["line"]), int(found["column"])
    key = _KEY.match(lines[line - 1])
    path = next((place.path for place in places if place.line == line), ()) if key else ()
    after = lines[line] if line < len(lines) else ""
    return _Wrong(
        path,
        Problem(line, printed(path), _meaning(found["said"])),
        reads_on=key is not None and column > key.end() and bool(_STATEMENT.match(after)),
    )


def _meaning(said: str) -> str:
    if said.startswith("Cannot overwrite") or said.endswith("twice"):
        return "stands here for the second time; keep one"
    return _MEANING.get(said, said[:1].lower() + said[1:])
