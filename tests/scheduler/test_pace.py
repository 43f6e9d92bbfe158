"""What fires at once after a long absence, and what waits its turn."""

from __future__ import annotations

import pytest

from scheduler.duration import Duration
from scheduler.pace import Lanes, is_mass
from scheduler.rules import Missed, Rule

DAY = Duration.parse("1 day")


def rule(name: str, missed: Missed, send: str = "") -> Rule:
    return Rule(name, "pending", DAY, send=send, missed=missed)


def test_only_what_customers_see_is_spread() -> None:
    lanes = Lanes.of([
        rule("nudge", "spread", "nudge"), rule("tell", "spread"),
        rule("now", "at_once", "nudge"), rule("late is never", "skip"),
    ])  # fmt: skip
    assert lanes == Lanes(("nudge",), ("now",), ("tell",), ("late is never",))


@pytest.mark.parametrize(
    ("late", "spreading", "mass"),
    [(0, False, False), (100, False, False), (101, False, True), (1, True, True), (0, True, False)],
)
def test_a_mass_is_let_out_one_by_one_to_its_end(late: int, spreading: bool, mass: bool) -> None:
    assert is_mass(late, spreading=spreading) is mass
