"""Patterns of the configuration that a stranger's text could hold us up with are refused."""

from __future__ import annotations

import pytest

from gateway.intake.cost import too_dear


@pytest.mark.parametrize(
    "pattern",
    [r"(a+)+b", r"a*b", r"\d{3,}", r"(?:\d{1,9}){1,9}", r"(?:a|(b{2})){2}", r"(?=x+)y", r"x{1,101}",
     r"a{2}b{2}c{2}d{2}e{2}f{2}", r"(?:x{1,9}+y){2}", r"(?(1)x+|y)(z)?"],
)  # fmt: skip
def test_what_could_take_minutes_is_refused(pattern: str) -> None:
    assert too_dear(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"room (\d{3})|(\d{3})号室",
        r"[A-Z]{2}-?\d{6}",
        r"(?:no|nr)\.? ?(\d{1,9})",
        r"x",
        r"(?i:ab?)c?",
    ],
)
def test_what_ends_at_once_is_not(pattern: str) -> None:
    assert too_dear(pattern) == ""
