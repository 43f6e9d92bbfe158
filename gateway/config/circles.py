"""Follow-ups that lead round in a circle: statuses that rules alone would change for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.config.errors import Finding
from gateway.config.types import listed

Tables = Mapping[int, Mapping[str, Any]]


class _Step(NamedTuple):
    """What a rule does to a status, on these channels and in these languages; none are all."""

    before: str
    after: str
    channels: frozenset[str]
    languages: frozenset[str]

    def then(self, other: _Step) -> _Step | None:
        """Both in turn; None if no case meets both."""
        channels = _both(self.channels, other.channels)
        languages = _both(self.languages, other.languages)
        if channels is None or languages is None:
            return None
        return _Step(self.before, other.after, channels, languages)


def check(follow_ups: Tables) -> Iterator[Finding]:
    """Each rule that closes a circle."""
    steps: list[_Step] = []
    for index, table in follow_ups.items():
        before, after = table.get("when"), table.get("set_status")
        if not (isinstance(before, str) and isinstance(after, str)):
            continue
        step = _Step(before, after, _some(table, "channel"), _some(table, "language"))
        if _returns(step, steps):
            said = f'"{after}" leads back to "{before}" by itself, for ever; let a rule of the circle end elsewhere'
            yield Finding(("follow_up", index, "set_status"), said)
        else:
            steps.append(step)


def _returns(here: _Step, steps: Sequence[_Step]) -> bool:
    if here.after == here.before:
        return True
    # Whoever has left a status needs no second way out of it.
    rest = [step for step in steps if step.before != here.after]
    ways = (here.then(step) for step in steps if step.before == here.after)
    return any(_returns(way, rest) for way in ways if way)


def _both(some: frozenset[str], others: frozenset[str]) -> frozenset[str] | None:
    """What is one of both; None if there is nothing, and the empty set for everything."""
    if not (some and others):
        return some or others
    return some & others or None


def _some(table: Mapping[str, Any], key: str) -> frozenset[str]:
    value = listed(table.get(key, ()))
    words = map(str, value) if isinstance(value, tuple) else ()
    return frozenset(word.partition("-")[0] if key == "language" else word for word in words)
