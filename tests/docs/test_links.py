"""Links lead somewhere, and commands that the documents name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, page, pages, prose

_LINK = re.compile(r"\[[^]\n]*\]\(([^)\s]+)\)|^\[[^]\n]+\]: (\S+)$", re.MULTILINE)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _targets(path: Path) -> list[str]:
    found = (one or other for one, other in _LINK.findall(prose(path.read_text(encoding="utf-8"))))
    return [target for target in found if not target.startswith(("http:", "https:", "mailto:"))]


def _anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", prose(path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", pages(), ids=_name)
def test_links_resolve(path: Path) -> None:
    broken = []
    for target in _targets(path):
        file, _, anchor = target.partition("#")
        there = path.parent / file if file else path
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("path", pages(), ids=_name)
def test_every_make_command_is_a_target(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", page("Makefile"), re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"^make ([a-z]+)", "\n".join(blocks(text, "sh")), re.MULTILINE))
    named |= set(re.findall(r"`make ([a-z]+)`", text))
    assert named <= targets


@pytest.mark.parametrize("path", pages(), ids=_name)
def test_every_file_that_is_named_exists(path: Path) -> None:
    """Files of ours in backticks, such as a module; `pager` is the example of its page."""
    named = re.findall(r"`((?:\w+/)+\w+\.(?:py|md|toml|sh|txt))`", prose(path.read_text("utf-8")))
    ours = [n for n in named if n.partition("/")[0] in {p.name for p in ROOT.iterdir()}]
    assert [name for name in ours if "pager" not in name and not (ROOT / name).exists()] == []


def test_every_page_below_docs_is_linked_from_a_front_page() -> None:
    front = {
        (ROOT / target.partition("#")[0]).resolve()
        for name in ("README.md", "docs/bench/README.md")
        if (ROOT / name).exists()
        for target in _targets(ROOT / name)
    }
    below = [path for path in (ROOT / "docs").glob("*.md") if path.resolve() not in front]
    assert [_name(path) for path in below] == []


def test_both_readmes_have_the_same_commands_and_headings() -> None:
    english, japanese = page("README.md"), page("README.ja.md")
    assert blocks(english, "sh") == blocks(japanese, "sh")
    marks = re.compile(r"^(#+ |\* |\| `|\|---)", re.MULTILINE)
    assert marks.findall(prose(english)) == marks.findall(prose(japanese))
    assert re.findall(r"^\| `([^`]+)`", english, re.MULTILINE) == re.findall(
        r"^\| `([^`]+)`", japanese, re.MULTILINE
    )


def test_decisions_are_numbered_without_a_gap_and_have_three_parts() -> None:
    found = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [path.name[:4] for path in found] == [f"{n:04}" for n in range(1, len(found) + 1)]
    for path in found:
        parts = re.findall(r"^\*\*(\w+)\.\*\*", path.read_text("utf-8"), re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequence"], path.name
