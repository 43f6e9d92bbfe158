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


def test_a_mail_is_worth_five_days_however_often_it_was_tried() -> None:
    assert not is_hopeless(NOW, NOW)
    assert not is_hopeless(NOW, NOW + GIVE_UP_AFTER)
    assert is_hopeless(NOW, NOW + GIVE_UP_AFTER + timedelta(seconds=1))
