"""SECURITY.md's table is whole, and what it says of a terminal is so."""

from __future__ import annotations

import re

import pytest

from gateway.reports import one_line
from tests.docs.pages import page, section

_LINK = re.compile(r"\[([^]]+)\]\(\1\)")


def _rows() -> list[list[str]]:
    lines = section(page("SECURITY.md"), "Threat model").strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row[0])
def test_each_defence_names_its_code_and_its_test(row: list[str]) -> None:
    _, _, _, code, tests = row
    assert _LINK.findall(code)
    assert all(name.startswith("tests/") for name in _LINK.findall(tests))
    assert _LINK.findall(tests)


@pytest.mark.parametrize(
    "text", ["\x1b[2J\x1b]0;rm\x07", "a\r\nb", "\u202eexe.txt", "\x9b1m", "x" * 9999]
)
def test_a_stranger_s_text_cannot_steer_a_terminal(text: str) -> None:
    shown = one_line(text)
    assert shown.isprintable()
    assert len(shown) <= 120
