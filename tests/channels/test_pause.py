"""However a peer asks to be left alone, we understand it, and come again within the hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from channels.base import ChannelDown, Retry
from channels.oauth_endpoint import NotNow, post
from channels.pause import after, asked, between

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SAID = {
    "": None,
    "7": 7,
    "0": 0,
    "3601": 3600,
    "9" * 5000: 3600,
    "٣": None,
    "-1": None,
    "1.5": None,
    "soon": None,
    "Sun, 22 Nov 2026 12:00:09 GMT": 9,
    "Sun, 22 Nov 2026 11:00:00 GMT": 0,
    "Sun, 22 Nov 9999 12:00:00 GMT": 3600,
    "Sun, 22 Nov 2026 12:00:09": None,  # which zone?
    f"Sun, 22 Nov 2026 12:00:09 +{'9' * 40}": None,
}


@pytest.mark.parametrize(("said", "seconds"), SAID.items(), ids=[said[:40] for said in SAID])
def test_a_pause_is_what_was_asked_for_within_bounds(said: str, seconds: int | None) -> None:
    wanted = asked(said, NOW)
    assert wanted == (None if seconds is None else timedelta(seconds=seconds))


def test_a_provider_that_writes_a_number_without_end_is_only_not_there_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = httpx.Response(503, headers={"Retry-After": "9" * 5000})
    monkeypatch.setattr(httpx, "post", lambda *_, **__: told)
    with pytest.raises(NotNow) as caught:
        post("https://login.example/token", {})
    assert caught.value.after == timedelta(hours=1)


def test_a_source_is_asked_again_when_it_said_or_after_ever_longer_pauses() -> None:
    assert after(Retry("", timedelta(seconds=7)), 5) == 7
    assert 16 <= after(Retry(""), 5) <= 32
    assert 16 <= after(ChannelDown(""), 5) <= 32


def test_tries_come_less_and_less_often() -> None:
    for tries, most in ((0, 1), (3, 8), (9, 60), (10**6, 60)):
        assert most / 2 <= between(tries) <= most
