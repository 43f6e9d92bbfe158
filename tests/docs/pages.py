"""The documents as their tests see them: pages, code blocks, tables, headings."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "channels", "normalizer", "store", "scheduler")

_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pages() -> list[Path]:
    """Every document of the house."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def modules() -> list[Path]:
    """Every module that runs in production."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language."""
    return [code for _, found, code in _BLOCK.findall(text) if found == language]


def prose(text: str) -> str:
    """A page without its code blocks."""
    return _BLOCK.sub("", text)


def section(text: str, title: str) -> str:
    """What stands under one heading, deeper headings included."""
    _, _, rest = text.partition(f"\n## {title}\n")
    assert rest, f"no heading {title!r}"
    return rest.partition("\n## ")[0]


def first_column(text: str) -> list[str]:
    """The names in backticks in the first column of the tables in a text."""
    return re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)
