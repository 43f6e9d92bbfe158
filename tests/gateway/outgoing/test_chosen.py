"""Where buttons are lines, their number or their words are as good as a press."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.outgoing.chosen import chosen
from normalizer.message import Button
from tests.gateway.follow_ups.test_pressed import a_case, case
from tests.gateway.incoming.test_messenger import say
from tests.making import Desk

BOTH = (Button("解決した", "solved"), Button("まだ困っている", "stuck"))


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("1", "solved"), (" ２。", "stuck"), ("まだ困っている", "stuck"), ("3", ""), ("0", ""),
        ("12", ""), ("1 parcel", ""), ("", ""), ("解決したいです", ""),
    ],
)  # fmt: skip
def test_a_number_or_a_label_is_a_choice(text: str, data: str) -> None:
    assert chosen(text, BOTH) == data


def test_a_score_is_no_number_of_a_line() -> None:
    marks = tuple(Button(str(n), f"vote:{n}") for n in (5, 4))
    assert chosen("1", marks) == ""
    assert chosen("1", (*marks, *BOTH)) == "solved"


async def asked(desk: Desk) -> int:
    """Our last word on the pager had these two below it."""
    id_ = await a_case(desk)
    await desk.change(
        "UPDATE messages SET buttons = :b, channel = 'mail' WHERE direction = 'out'",
        b='[["It is solved", "solved", ""], ["I still need help", "stuck", ""]]',
    )
    return id_


async def test_what_is_typed_is_done_on_such_a_channel(desk: Desk) -> None:
    id_ = await asked(desk)
    assert desk.rules.listing == {"mail"}
    await say(desk, "1")
    assert (await case(desk, id_))["status"] == "resolved"


async def test_only_below_our_last_word(desk: Desk) -> None:
    id_ = await asked(desk)
    await desk.change("UPDATE messages SET buttons = '[]' WHERE direction = 'out'")
    await say(desk, "1")
    assert (await case(desk, id_))["status"] == "open"


async def test_not_where_there_are_real_buttons(desk: Desk) -> None:
    id_ = await asked(desk)
    desk.store._writer._plan = replace(desk.rules, listing=frozenset())  # as configured otherwise
    await say(desk, "1")
    assert (await case(desk, id_))["status"] == "open"
