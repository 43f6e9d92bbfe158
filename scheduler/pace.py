"""Pure: what is fired now, and what waits its turn, when the clock or the process has been away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from scheduler.rules import Rule

LATE: Final = timedelta(hours=1)  # a row that is due for longer was missed
A_MASS: Final = 100  # so many missed rows for customers at once are let out one by one
SPREAD: Final = timedelta(seconds=0.95)  # between two of them at least: a tick, 60 a minute


@dataclass(frozen=True, slots=True)
class Lanes:
    """The rules by what becomes of a missed row; of those for customers, `first` go before `spread`."""

    spread: tuple[str, ...]
    first: tuple[str, ...]
    ours: tuple[str, ...]
    skip: tuple[str, ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Lanes:
        """What customers do not see needs no spreading."""
        lanes: dict[str, list[str]] = {"spread": [], "at_once": [], "ours": [], "skip": []}
        for rule in rules:
            seen = rule.missed == "skip" or rule.send
            lanes[rule.missed if seen else "ours"].append(rule.name)
        return cls(*map(tuple, lanes.values()))


def is_mass(late: int, *, spreading: bool) -> bool:
    """Whether missed rows are let out one by one: from a mass on, until the last of it is gone."""
    return late > A_MASS or (spreading and late > 0)
