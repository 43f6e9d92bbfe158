"""docs/voice.md knows every template, placeholder and key."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from gateway.words import Words, _placeholders
from gateway.words.dates import Dates

DOCS = (Path(__file__).parents[3] / "docs" / "voice.md").read_text(encoding="utf-8")


def test_every_template_is_documented() -> None:
    assert [name for name in Words().names if f"| `{name}` |" not in DOCS] == []


def test_every_placeholder_is_documented() -> None:
    known = _placeholders("acknowledgement") | _placeholders("nudge")
    assert [name for name in known if f"`{name}`" not in DOCS] == []


def test_the_documented_patterns_are_keys() -> None:
    keys = {field.name for field in fields(Dates)}
    named = ("this_month", "other_month", "other_year", "today", "same_day", "tomorrow", "later")
    assert {*named, "holiday", "end_of_day"} <= keys
    assert all(f"`{name}`" in DOCS for name in named)
