"""Quickly at first, every half hour later, and not for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.backoff import GIVE_UP_AFTER, is_hopeless, retry_at

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 1), (2, 2), (3, 5), (4, 10), (5, 15), (6, 30), (7, 30), (500, 30)]
)
def test_waits_grow_to_half_an_hour(attempts: int, minutes: int) -> None:
    assert retry_at(attempts, NOW) == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize("at_most", [None, timedelta(minutes=5), timedelta(minutes=1)])
def test_a_mail_is_tried_for_five_days_however_often(at_most: timedelta | None) -> None:
    at, attempts = NOW, 1
    while not is_hopeless(attempts, at_most):
        wait = retry_at(attempts, at) - at
        at += min(wait, at_most or wait)
        attempts += 1
    assert GIVE_UP_AFTER - timedelta(hours=1) <= at - NOW <= GIVE_UP_AFTER


def test_once_hopeless_always_hopeless() -> None:
    found = [is_hopeless(attempts) for attempts in range(1, 400)]
    assert found == sorted(found)
    assert not found[0]
    assert found[-1]
