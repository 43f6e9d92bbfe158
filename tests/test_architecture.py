"""The house rules that a machine can check: sizes, words, and who may say what."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels import CHANNELS

ROOT = Path(__file__).parents[1]
PACKAGES = ("gateway", "channels", "normalizer", "store", "scheduler")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
NEUTRAL = [p for p in SOURCES if p.relative_to(ROOT).parts[0] in {"gateway", "store", "scheduler"}]
ALSO_A_PROTOCOL = {"http"}  # what our own API speaks
FORBIDDEN_WORDS = re.compile(r"manager|handler|service|helper|util", re.IGNORECASE)
PURE_MAY_NOT_IMPORT = {
    "asyncio", "logging", "os", "pathlib", "random", "socket", "sqlite3", "sqlalchemy",
    "structlog", "subprocess", "threading", "time", "uuid",
}  # fmt: skip


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_files_are_short_enough_to_read() -> None:
    """No file over 400 lines, half of them at most 120."""
    sizes = {str(p.relative_to(ROOT)): p.read_text("utf-8").count("\n") for p in SOURCES}
    assert {name: size for name, size in sizes.items() if size > 400} == {}
    assert statistics.median(size for size in sizes.values() if size > 1) <= 120


def test_functions_are_short_enough_to_hold_in_mind() -> None:
    """No function over 50 lines, half of them at most 8."""
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": length(node)
        for path in SOURCES
        for node in functions(ast.parse(path.read_text("utf-8")))
    }
    assert {name: size for name, size in found.items() if size > 50} == {}
    assert statistics.median(found.values()) <= 8


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_its_purpose_first(path: Path) -> None:
    """The first thing in a module is one sentence of what it is for."""
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), path


def test_no_class_hides_behind_an_empty_word() -> None:
    """Manager, handler, service, helper and util say nothing about a thing."""
    named = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and FORBIDDEN_WORDS.search(node.name)
    ]
    assert named == []
    assert [p for p in SOURCES if FORBIDDEN_WORDS.search(p.stem)] == []


def test_the_core_names_no_channel() -> None:
    """A channel's name as a string occurs only in channels, normalizer, configuration and tests."""
    named = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value!r}"
        for path in NEUTRAL
        if "config" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in set(CHANNELS) - ALSO_A_PROTOCOL
    ]
    assert named == []


@pytest.mark.parametrize(
    "path",
    [p for p in SOURCES if p.relative_to(ROOT).parts[0] == "normalizer"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_normalizer_is_pure(path: Path) -> None:
    """No clock, no I/O, no logging, no database in what reads mail."""
    assert not PURE_MAY_NOT_IMPORT & set(imported(ast.parse(path.read_text("utf-8"))))


def test_only_the_store_imports_a_database_driver() -> None:
    """SQL has one home; others hold a Connection at most, to hand it to the store's verbs."""
    drivers = {"sqlite3", "psycopg", "alembic"}
    guilty = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] != "store"
        and drivers & set(imported(ast.parse(path.read_text("utf-8"))))
    ]
    assert guilty == []


def test_docs_for_a_newcomer_are_there() -> None:
    """What README promises to read next exists."""
    for name in ("README.md", "README.ja.md", "docs/architecture.md", "gateway/ingest.py"):
        assert (ROOT / name).is_file(), name


def test_every_package_of_the_gateway_is_on_the_map() -> None:
    """docs/architecture.md says of each folder of the gateway what lies there, and of no other."""
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    part = page.partition("## Where to find")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+)/`", part))
    files = [p.relative_to(ROOT / "gateway") for p in (ROOT / "gateway").glob("*/**/*.*")]
    assert {file.parts[0] for file in files if "__pycache__" not in file.parts} == named
