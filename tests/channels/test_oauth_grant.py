"""What a log-in gave us, and when a person should hear that it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.oauth_grant import Grant, NotUnderstood, granted, health

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
NINETY = 90 * DAY


def reply(**more: Any) -> dict[str, Any]:
    return {"access_token": "a", "refresh_token": "r", "expires_in": 3600} | more


def test_a_token_is_renewed_a_minute_before_it_ends() -> None:
    grant = granted(reply(), NOW, None)
    assert grant.is_fresh(NOW + timedelta(minutes=58))
    assert not grant.is_fresh(NOW + timedelta(minutes=59))


@pytest.mark.parametrize("said", ["1800", 1800, 1800.0])
def test_a_life_may_be_a_number_or_a_text(said: Any) -> None:
    assert granted(reply(expires_in=said), NOW, None).ends_at == NOW + timedelta(minutes=30)


@pytest.mark.parametrize("said", [None, "soon", -5, 0, "inf", "nan", [], 1e300])
def test_a_life_that_makes_no_sense_is_an_hour(said: Any) -> None:
    assert granted(reply(expires_in=said), NOW, None).ends_at == NOW + timedelta(hours=1)


@pytest.mark.parametrize("bad", [{}, {"access_token": ""}, {"access_token": 5}])
def test_a_reply_without_a_token_is_not_understood(bad: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        granted(bad, NOW, None)


def test_a_refresh_without_a_new_refresh_token_keeps_the_old_one_and_its_age() -> None:
    """Google gives a refresh token once; RFC 6749 section 6 allows it."""
    before = granted(reply(), NOW, NINETY)
    after = granted({"access_token": "b"}, NOW + DAY, NINETY, before)
    assert (after.access, after.refresh, after.since) == ("b", "r", NOW)
    assert after.refresh_ends_at == NOW + DAY + NINETY


def test_the_seven_days_of_a_provider_in_test_mode_do_not_move_with_use() -> None:
    before = granted(reply(refresh_token_expires_in=7 * 86400), NOW, 180 * DAY)
    after = granted({"access_token": "b"}, NOW + DAY, 180 * DAY, before)
    assert after.refresh_ends_at == NOW + 7 * DAY


def test_a_rotated_token_has_a_life_of_its_own() -> None:
    before = granted(reply(refresh_token_expires_in=86400), NOW, NINETY)
    after = granted(reply(refresh_token="s"), NOW + DAY, NINETY, before)
    assert (after.refresh, after.since) == ("s", NOW + DAY)
    assert after.refresh_ends_at == NOW + DAY + NINETY


def test_nobody_sees_a_token_by_accident() -> None:
    assert "'a'" not in repr(granted(reply(), NOW, None))
    assert "'r'" not in repr(granted(reply(), NOW, None))


def test_a_refused_log_in_is_tried_again_after_five_minutes_and_not_before() -> None:
    """I14: at most one try in five minutes."""
    grant = granted(reply(), NOW, None).refuse("no longer accepted", NOW)
    assert not grant.may_try(NOW)
    assert not grant.may_try(NOW + timedelta(seconds=299))
    assert grant.may_try(NOW + timedelta(minutes=5))
    assert grant.may_try(NOW - timedelta(days=400)), "a clock that was set back locks nobody out"


@pytest.mark.parametrize(
    ("grant", "after", "state", "word"),
    [
        (None, DAY, "dead", "nobody has logged in"),
        (granted(reply(), NOW, None), 999 * DAY, "good", ""),
        (granted(reply(refresh_token_expires_in=7 * 86400), NOW, None), 4 * DAY, "good", ""),
        (
            granted(reply(refresh_token_expires_in=7 * 86400), NOW, None),
            5 * DAY,
            "ends_soon",
            "2026-11-29 09:00 UTC",
        ),
        (granted(reply(refresh_token_expires_in=7 * 86400), NOW, None), 7 * DAY, "dead", "ended"),
        (granted(reply(), NOW, NINETY), 74 * DAY, "good", ""),
        (granted(reply(), NOW, NINETY), 76 * DAY, "ends_soon", "2027-02-20"),
        (granted(reply(), NOW, NINETY).refuse("a new password", NOW), DAY, "dead", "a new pass"),
        (granted({"access_token": "a"}, NOW, None), DAY, "dead", "cannot be renewed"),
    ],
)
def test_a_person_hears_of_the_end_before_it_comes(
    grant: Grant | None, after: timedelta, state: str, word: str
) -> None:
    found = health(grant, "mail", NOW + after)
    assert found.state == state
    assert word in found.text
    assert ("madoguchi login mail" in found.text) == (state != "good")
