"""Lines of keys: agrees with tomllib on what keys there are, and with the eye on where they stand."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.lines import KeyPath, positions, printed

TEXT = '''\
top = 1  # [not.a.table]
[gateway]
name = "a # b = [c]"
"odd key" = \'x = "\'
poem = """
[[channel]]
x = 1 \\"""
"""
dotted.inner . leaf = 2026-01-01 07:32:00

[[channel]]
addresses = [ # comment ]
  "a@example.com",

  "b@example.com" ]
users = { bob = { env = "A" }, "al.x" = [1, { y = 2 }] }
[channel.limits]
day = 1.5e3
[[channel]]
name = \'\'\'it's\'\'\'
[ "channel" . limits ]
day = +inf
'''
LINES = {
    "top": 1,
    "gateway": 2,
    "gateway.name": 3,
    'gateway."odd key"': 4,
    "gateway.poem": 5,
    "gateway.dotted": 9,
    "gateway.dotted.inner": 9,
    "gateway.dotted.inner.leaf": 9,
    "channel[0]": 11,
    "channel[0].addresses": 12,
    "channel[0].addresses[0]": 13,
    "channel[0].addresses[1]": 15,
    "channel[0].users": 16,
    "channel[0].users.bob": 16,
    "channel[0].users.bob.env": 16,
    'channel[0].users."al.x"': 16,
    'channel[0].users."al.x"[0]': 16,
    'channel[0].users."al.x"[1]': 16,
    'channel[0].users."al.x"[1].y': 16,
    "channel[0].limits": 17,
    "channel[0].limits.day": 18,
    "channel[1]": 19,
    "channel[1].name": 20,
    "channel[1].limits": 21,
    "channel[1].limits.day": 22,
}


def _paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    """Every key and entry of what tomllib read; a list of tables itself has no line."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found: set[KeyPath] = set()
    for step, one in inner:
        here = (*path, step)
        found.add(here)
        if isinstance(one, dict | list):
            found |= _paths(one, here)
    return found


def test_every_key_has_the_line_on_which_one_sees_it() -> None:
    assert {printed(place.path): place.line for place in positions(TEXT)} == LINES


def test_the_keys_are_those_that_tomllib_reads() -> None:
    lists_of_tables: set[KeyPath] = {("channel",)}
    found = {place.path for place in positions(TEXT)}
    assert found == _paths(tomllib.loads(TEXT)) - lists_of_tables


@given(st.text(alphabet="ab[]{}=.,\"'#\n \\1", max_size=80))
def test_it_reads_every_text_without_failing_and_valid_toml_fully(text: str) -> None:
    found = {place.path for place in positions(text)}
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    missing = _paths(data) - found
    assert all(any(place[: len(path)] == path for place in found) for path in missing)


@pytest.mark.parametrize("text", ["[", "[[", "a", "a = [", "a = {b", 'a = "', "]", "= 1", "a.=1"])
def test_a_broken_text_still_ends(text: str) -> None:
    assert len(positions(text)) <= 2
