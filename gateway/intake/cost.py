"""Pure: whether a pattern of the configuration is bounded in time, whatever a stranger writes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

_parser: Any = import_module("re._parser")  # public until 3.10, as sre_parse
_REPEATS: Final = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_LONGEST: Final = 100  # times that something may be repeated
_MOST: Final = 5  # repeats in one pattern


def too_dear(pattern: str) -> str:
    """Why a pattern might take minutes on a text made for that; "" if it cannot."""
    depths = list(_repeats(_parser.parse(pattern), 0))
    if any(most > _LONGEST for _, most in depths):
        return "repeats without an end; write {1,20} in place of + and *"
    if any(depth for depth, _ in depths):
        return "repeats within a repeat; write out one of the two"
    if len(depths) > _MOST:
        return f"repeats more than {_MOST} times; shorten it"
    return ""


def _repeats(node: Any, depth: int) -> Iterator[tuple[int, int]]:
    """Each repeat: within how many others it stands, and how often at most."""
    for name, value in node:
        if name.name in _REPEATS:
            _, most, inner = value
            is_one = most > 1
            if is_one:
                yield depth, int(most)
            yield from _repeats(inner, depth + is_one)
        else:
            for inner in _inside(value):
                yield from _repeats(inner, depth)


def _inside(value: Any) -> Iterator[Any]:
    """The patterns that stand in a group, a choice or a look around."""
    if isinstance(value, _parser.SubPattern):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _inside(one)
