"""What is wrong with a configuration file, in words that say what would be right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from gateway.config.lines import KeyPath

_LONGEST_ECHO = 60


class Problem(NamedTuple):
    """One error: its line (from 1; 0 when it is about the whole file), its key, what would be right."""

    line: int
    key: str
    message: str


class Finding(NamedTuple):
    """An error whose line is not known yet."""

    path: KeyPath
    message: str


class ConfigError(Exception):
    """The configuration file cannot be used."""

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        super().__init__(self.__doc__)

    def __str__(self) -> str:
        return "\n".join(self._printed(problem) for problem in self.problems)

    def _printed(self, problem: Problem) -> str:
        place = f"{self.path}:{problem.line}" if problem.line else f"{self.path}"
        return ": ".join(filter(None, (place, problem.key, problem.message)))


def close_to(word: str, known: Iterable[str]) -> str:
    """`; did you mean "listen"?` if one of the known words looks like this one."""
    folded = {name.lower(): name for name in known}
    found = get_close_matches(word.lower().replace("-", "_"), folded, n=1)
    return f'; did you mean "{folded[found[0]]}"?' if found else ""


def any_of(words: Iterable[str], last_is: str = "or") -> str:
    """`"live", "approve" or "watch"`."""
    *most, last = [f'"{word}"' for word in words]
    return f"{', '.join(most)} {last_is} {last}" if most else last


def refusal(findings: Iterable[Finding]) -> ValidationError:
    """What a validator raises to report several errors, each with its path from there."""
    details = [
        InitErrorDetails(
            type=PydanticCustomError("refused", "{said}", {"said": finding.message}),
            loc=finding.path,
            input=None,
        )
        for finding in findings
    ]
    return ValidationError.from_exception_data("config", details)


def explain(error: Mapping[str, Any], keys: Iterable[str], *, secret: bool) -> str:
    """Say in one line what one error of pydantic's means; `keys` are those known where it stands."""
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        return _unknown(str(error["loc"][-1]), tuple(keys))
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        return _choice(error["ctx"]["expected"], value)
    if kind == "too_short":
        return "must not be empty"
    expected = _EXPECTED.get(kind)
    if not expected:
        return str(error["msg"]).removeprefix("Value error, ")
    expected = expected.format_map(error.get("ctx", {}))
    return f"must be {expected}" + ("" if secret else _not(value))


_EXPECTED = {
    "string_type": 'a text in quotes, such as "…"',
    "path_type": 'a text in quotes, such as "…"',
    "string_too_short": "{min_length} characters or more",
    "string_too_long": "{max_length} characters or less",
    "int_type": "a whole number without quotes",
    "int_parsing": "a whole number without quotes",
    "float_type": "a number without quotes",
    "bool_type": "true or false, without quotes",
    "tuple_type": 'a list in square brackets, such as ["…"]',
    "list_type": 'a list in square brackets, such as ["…"]',
    "set_type": 'a list in square brackets, such as ["…"]',
    "frozen_set_type": 'a list in square brackets, such as ["…"]',
    "dict_type": "a table, such as {{ key = … }}",
    "model_type": "a table, such as {{ key = … }}",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "ip_v4_network": 'an IP address or a network such as "192.0.2.0/24"',
    "ip_v6_network": 'an IP address or a network such as "192.0.2.0/24"',
    "byte_size": 'a size, such as "25 MiB"',
    "byte_size_unit": 'a size, such as "25 MiB"',
}


def _unknown(key: str, keys: tuple[str, ...]) -> str:
    return "unknown key" + (close_to(key, keys) or f"; possible here: {', '.join(sorted(keys))}")


def _choice(expected: str, value: Any) -> str:
    words = re.findall(r"'([^']*)'", expected)
    hint = close_to(value, words) if isinstance(value, str) else ""
    return f"must be {any_of(words)}{_not(value)}{hint}"


def _not(value: Any) -> str:
    if isinstance(value, BaseModel | dict | list | tuple):
        return ""
    said = json.dumps(value, ensure_ascii=False, default=str)
    return f", not {said}" if len(said) <= _LONGEST_ECHO else ""
