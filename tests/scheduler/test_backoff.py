"""Quickly at first, every half hour later, and not for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from scheduler.backoff import GIVE_UP_AFTER, domain_until, is_hopeless, retry_at, spread_of

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 1), (2, 2), (3, 5), (4, 10), (5, 15), (6, 30), (7, 30), (500, 30)]
)
def test_waits_grow_to_half_an_hour(attempts: int, minutes: int) -> None:
    assert retry_at(attempts, NOW) == NOW + timedelta(minutes=minutes)


def test_what_failed_together_does_not_come_back_together() -> None:
    """Twenty neighbours are spread over a quarter of their wait, at each try anew."""
    for attempts in (1, 6):
        spreads = sorted(spread_of(number, attempts) for number in range(1000, 1020))
        assert 0 <= spreads[0] < spreads[-1] < 1
        assert max(b - a for a, b in pairwise(spreads)) < 0.2
    wait = retry_at(6, NOW) - NOW
    assert retry_at(6, NOW, 1) - NOW == wait * 1.25
    assert spread_of(1000, 1) != spread_of(1000, 2)


def test_a_domain_waits_as_long_as_its_mail_but_no_longer_than_five_minutes() -> None:
    soon, late = NOW + timedelta(minutes=1), NOW + timedelta(minutes=30)
    assert domain_until(soon, NOW) == soon
    assert domain_until(late, NOW) == NOW + timedelta(minutes=5)


def test_a_mail_is_worth_five_days_however_often_it_was_tried() -> None:
    assert not is_hopeless(NOW, NOW)
    assert not is_hopeless(NOW, NOW + GIVE_UP_AFTER)
    assert is_hopeless(NOW, NOW + GIVE_UP_AFTER + timedelta(seconds=1))
