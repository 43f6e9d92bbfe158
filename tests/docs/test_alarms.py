"""Each kind of alarm says what it means and what to do first, in the documents as in the mail."""

from __future__ import annotations

from typing import get_args

import pytest

from gateway.admin.words import ADVICE, FRAMES
from gateway.alarm import Kind
from tests.docs.pages import page, section

PAGE = section(page("docs/operations.md"), "Alarms")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_kind_has_its_line_in_the_operations_page_and_no_other_has(language: str) -> None:
    table = PAGE.partition("In Japanese:")[0 if language == "en" else 2]
    rows = {line for line in table.splitlines() if line.startswith("| `")}
    advice = ADVICE[language]
    assert set(advice) == set(get_args(Kind))
    assert rows == {f"| `{kind}` | {' | '.join(one)} |" for kind, one in advice.items()}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_line_says_something_in_its_language(language: str) -> None:
    for kind, one in ADVICE[language].items():
        assert all(one), kind
        assert all((not text.isascii()) == (language == "ja") for text in one), kind
    assert ADVICE.keys() == FRAMES.keys()
