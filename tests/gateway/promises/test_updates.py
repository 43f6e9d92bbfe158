"""What became of next updates: kept by an answer until the time that was first said."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gateway.promises.chart import ended
from gateway.promises.updates import promised
from store.promises import Made, Said, Updates
from tests.making import NOON

HOUR = timedelta(hours=1)
BY = NOON + 4 * HOUR
LATER = NOON + 9 * HOUR
END = NOON + 24 * HOUR
RULE = "follow_up:promise_notice"


def said(hours: float, before: datetime | None, after: datetime | None, by: str = "Aiko") -> Said:
    return Said(7, NOON + hours * HOUR, by, before, after)


def became(*told: Said, replies: tuple[float, ...] = (), owed: datetime | None = None) -> list[str]:
    open_ = [Made(7, "mail", "", NOON, owed, None, None)] if owed else []
    found = Updates(list(told), {7: [NOON + h * HOUR for h in replies]}, open_)
    return [ended(one, END) for one in promised(found)]


@pytest.mark.parametrize(
    ("end", "replies", "how"),
    [
        (said(3, BY, None), (0, 3), "kept"),
        (said(4, BY, None), (0, 4), "kept"),  # in the very moment
        (said(5, BY, None), (0, 5), "broken"),
        (said(3, BY, None), (0,), ""),  # resolved, or taken back
        (said(5, BY, None), (0,), "broken"),  # … too late
        (said(3, BY, LATER), (0,), ""),  # moved by a person
        (said(3, BY, LATER), (0, 3), "kept"),  # an answer that promises again
    ],
)
def test_the_next_answer_keeps_it_until_then(
    end: Said, replies: tuple[float, ...], how: str
) -> None:
    assert became(said(0, None, BY), end, replies=replies)[0] == how


def test_a_time_that_we_said_ourselves_keeps_nothing() -> None:
    moved = (said(0, None, BY), said(3, BY, LATER, RULE))
    assert became(*moved, said(8, LATER, None), replies=(0, 8)) == ["broken"]
    assert became(*moved, owed=LATER) == ["broken"]


def test_an_answer_that_promises_again_is_two_promises() -> None:
    found = became(said(0, None, BY), said(3, BY, LATER), replies=(0, 3), owed=LATER)
    assert found == ["kept", "broken"]


def test_what_was_said_long_ago_counts_by_what_is_known_of_it() -> None:
    assert became(owed=BY) == ["broken"]
    assert became(owed=END + HOUR) == ["open"]
    assert became(said(3, BY, None), replies=(3,)) == ["kept"]


def test_a_case_that_ended_without_a_word_of_the_time_owes_none() -> None:
    assert became(said(0, None, BY)) == []
