"""When a canary is sent, and when it is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.canary import Round, step
from tests.making import NOON

EVERY = timedelta(minutes=30)


@pytest.mark.parametrize(
    ("sent", "home", "now", "todo"),
    [
        (None, False, 0.5, "wait"),
        (None, False, 1, "send"),
        (1, False, 30, "wait"),
        (1, True, 30, "wait"),
        (1, True, 31, "send"),
        (1, False, 31, "lost"),
    ],
)
def test_the_next_is_sent_when_it_is_due_and_one_that_is_not_home_by_then_is_lost(
    sent: float | None, home: bool, now: float, todo: str
) -> None:
    at = None if sent is None else NOON + timedelta(minutes=sent)
    assert step(Round(at, home), NOON + timedelta(minutes=now), EVERY, NOON) == todo


def test_the_first_of_a_short_rhythm_does_not_wait_a_minute() -> None:
    every = timedelta(seconds=2)
    assert step(Round(), NOON + every, every, NOON) == "send"
