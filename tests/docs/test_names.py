"""Every command, option, metric and event of the code is in the documents, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import typer

from channels.base import Outcome
from gateway.cli import app
from store.outbox import State
from tests.docs.pages import ROOT, first_column, modules, page, section

LOG = {"debug", "info", "warning", "error", "exception", "log", "_log"}
EVENT = re.compile(r"[a-z_]+\.[a-z_]+")
ENDS = tuple(set(get_args(State)) - {"sending", "draft", "queued"})  # of a try to deliver
# What a formatted name stands for, by the expression in its braces.
DOMAINS = {
    "outcome": get_args(Outcome),
    "settlement.state": ENDS,
    "s.state": ENDS,
    "report.state": ("delivered", "read", "failed"),
}


def _commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def _all_commands() -> dict[str, Any]:
    return dict(_commands(typer.main.get_command(app)))


def test_every_command_is_in_the_readme_and_no_other() -> None:
    commands = [
        name.removeprefix("madoguchi ")
        for name in first_column(section(page("README.md"), "Commands"))
        if name.startswith("madoguchi ")
    ]
    documented = {re.sub(r" (\[.*\]|[A-Z]+…?)", "", name) for name in commands}
    assert documented == set(_all_commands())


def test_every_option_is_in_the_readme_beside_its_command() -> None:
    text = section(page("README.md"), "Commands")
    for name, command in _all_commands().items():
        line = next(x for x in text.splitlines() if x.startswith(f"| `madoguchi {name}"))
        for option in (o for p in command.params for o in p.opts if o.startswith("-")):
            assert option in line or option in text.partition("\n|")[0], (name, option)


def _literals(node: ast.expr, names: dict[str, list[ast.expr]]) -> Iterator[str]:
    """Every text that an expression may stand for, through the names of its module."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from _literals(body, names)
            yield from _literals(other, names)
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue(value=what)]):
            yield from (f"{start}{one}" for one in DOMAINS[ast.unparse(what)])
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)):
            for value in names.get(name, ()):
                yield from _literals(value, names)
        case ast.DictComp(value=value):
            yield from _literals(value, names)


def _calls(path: Path) -> Iterator[tuple[ast.Call, dict[str, list[ast.expr]]]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, names


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)


def _logged() -> set[str]:
    found: set[str] = set()
    for path in modules():
        for call, names in _calls(path):
            if _called(call) in LOG:
                for argument in call.args[:2]:
                    found |= set(filter(EVENT.fullmatch, _literals(argument, names)))
    return found


def _told() -> set[str]:
    """Event types that go into the store."""
    found: set[str] = set()
    for path in modules():
        for call, names in _calls(path):
            if _called(call) in {"event_row", "Event", "tell"} and len(call.args) > 1:
                found |= set(filter(EVENT.fullmatch, _literals(call.args[1], names)))
    return found


def test_every_log_event_is_in_the_operations_page_and_no_other() -> None:
    logged = _logged()
    assert len(logged) > 30
    assert set(first_column(section(page("docs/operations.md"), "Log lines"))) == logged


def test_every_log_event_has_a_domain_and_a_name() -> None:
    """A line whose first argument is a sentence would be missing from the list above."""
    for path in modules():
        for call, names in _calls(path):
            is_log = _called(call) in LOG - {"log", "_log"}
            if is_log and isinstance(call.func, ast.Attribute) and call.args:
                owner = ast.unparse(call.func.value)
                passed_on = ast.unparse(call.args[0]) == "event"  # its callers are looked at
                if owner in {"log", "_log"} and not passed_on:
                    found = list(_literals(call.args[0], names))
                    assert found, (path.name, call.lineno)
                    assert all(map(EVENT.fullmatch, found)), (path.name, call.lineno)


def test_every_event_type_of_the_store_is_in_the_api_page() -> None:
    told = _told()
    assert {"case.opened", "message.received", "delivery.sent"} <= told
    documented = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", page("docs/api.md")))
    assert told <= documented


def _metrics() -> set[str]:
    found: set[str] = set()
    for path in modules():
        for call, _ in _calls(path):
            first = call.args[0] if call.args else None
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                continue
            if _called(call) in {"Counter", "Gauge", "Histogram"}:
                found.add(first.value + ("_total" if _called(call) == "Counter" else ""))
            elif _called(call) == "watch":
                found.add(f"madoguchi_{first.value}")
    return found


def test_every_metric_is_in_the_operations_page_and_no_other() -> None:
    found = _metrics()
    assert "madoguchi_messages_total" in found
    assert set(first_column(section(page("docs/operations.md"), "Metrics"))) == found


def test_every_dependency_has_its_reason() -> None:
    text = page("docs/decisions/0007-dependencies.md")
    wanted = re.findall(r'^    "([A-Za-z0-9-]+)', page("pyproject.toml"), re.MULTILINE)
    first = wanted[: wanted.index("uvloop") + 1]
    assert sorted(first_column(text)) == sorted(first)


def test_the_words_of_the_glossary_are_the_words_of_the_code() -> None:
    """Each noun of the first table stands in the module that its row names."""
    rows = re.findall(
        r"^\| \*\*(\w+)\*\* \|.*\]\(\.\./([^)]+)\) \|$", page("docs/glossary.md"), re.MULTILINE
    )
    assert len(rows) == 15
    for word, module in rows:
        assert word.lower() in (ROOT / module).read_text("utf-8").lower().replace("_", ""), word
