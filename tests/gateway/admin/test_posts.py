"""Alarms are posted at once, signed, until somebody takes them; neither store nor outbox is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from channels.standard_webhooks import Forged, verified
from gateway.admin.posts import Posts, client
from gateway.alarm import Alarm, Alarms
from gateway.watch import checking
from tests.channels.http_peer import KEY, Other, other
from tests.making import NOON, Clock, configure

TABLE = '\n[alarms]\nurl = "http://127.0.0.1:{port}/hook"\nsecret = {{ file = "secret" }}\n'


@pytest.fixture
async def peer() -> AsyncIterator[Other]:
    async with other() as one:
        yield one


def alarm(*, over: bool = False) -> Alarm:
    reason = "nothing has left since noon"
    return Alarm("channel.sending", reason, NOON, {"channel": "mail"}, cleared=over)


def posts(peer: Other, clock: Clock, language: str = "en") -> Posts:
    url, tokyo = f"http://127.0.0.1:{peer.port}/hook", ZoneInfo("Asia/Tokyo")
    return Posts(url, KEY, "Example Support", language, tokyo, clock)


async def look(to: Posts) -> None:
    async with client() as connection:
        await to.look(connection)


async def test_a_post_is_in_the_gateway_s_language_the_reason_too(peer: Other) -> None:
    to = posts(peer, Clock(), "ja")
    to(Alarm("channel.silent", "nothing heard since 2026-11-24 03:00:00Z", NOON, {}))
    await look(to)
    assert peer.posts[0].event["data"]["reason"] == "2026-11-24 12:00 以降、応答がありません"


async def test_an_alarm_is_posted_as_a_signed_event_without_any_store(peer: Other) -> None:
    clock = Clock()
    to = posts(peer, clock)
    alarms = Alarms(post=to)
    alarms.report(alarm())
    await look(to)
    (post,) = peer.posts
    assert verified((KEY,), post.headers, post.body, clock()).startswith("alarm_")
    assert (post.event["type"], post.event["timestamp"]) == (
        "alarm.raised",
        "2026-11-24T03:00:00.000000Z",
    )
    data = post.event["data"]
    assert (data["kind"], data["channel"], data["gateway"]) == (
        "channel.sending",
        "mail",
        "Example Support",
    )
    assert "madoguchi check --connect" in data["first"]
    await look(to)
    assert len(peer.posts) == 1


async def test_its_end_is_posted_under_another_id(peer: Other) -> None:
    to = posts(peer, Clock())
    for over in (False, True):
        to(alarm(over=over))
    await look(to)
    assert [post.event["type"] for post in peer.posts] == ["alarm.raised", "alarm.cleared"]
    assert len({post.headers["webhook-id"] for post in peer.posts}) == 2


async def test_what_is_not_taken_is_posted_again_later_under_the_same_id(peer: Other) -> None:
    clock = Clock()
    to = posts(peer, clock)
    to(alarm())
    peer.says(503)
    await look(to)
    await look(to)
    assert len(peer.posts) == 1
    clock.advance(seconds=5)
    peer.says(204)
    await look(to)
    clock.advance(days=1)
    await look(to)
    assert len(peer.posts) == 2
    assert len({post.headers["webhook-id"] for post in peer.posts}) == 1


async def test_a_redirect_is_not_followed(peer: Other) -> None:
    to = posts(peer, Clock())
    to(alarm())
    peer.says(302, b"", f"Location: http://127.0.0.1:{peer.port}/elsewhere")
    await look(to)
    assert len(peer.posts) == 1


async def test_after_half_a_day_nobody_waits_for_it(peer: Other) -> None:
    clock = Clock()
    to = posts(peer, clock)
    to(alarm())
    await peer.shut()
    clock.advance(hours=13)
    await look(to)
    await peer.open()
    clock.advance(hours=1)
    await look(to)
    assert peer.posts == []


async def test_a_changed_post_does_not_verify(peer: Other) -> None:
    clock = Clock()
    to = posts(peer, clock)
    to(alarm())
    await look(to)
    (post,) = peer.posts
    with pytest.raises(Forged):
        verified((KEY,), post.headers, post.body + b" ", clock())


async def test_check_connect_knocks_and_posts_nothing(tmp_path: Path, peer: Other) -> None:
    (tmp_path / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", encoding="utf-8")
    config = configure(tmp_path, TABLE.format(port=peer.port))
    (found,) = [one for one in await checking.connect(config) if "alarms" in one.text]
    assert str(found) == "note: alarms: 127.0.0.1 answers (200); nothing was posted"
    assert [post.body for post in peer.posts] == [b""]
    await peer.shut()
    (found,) = [one for one in await checking.connect(config) if "alarms" in one.text]
    assert str(found) == "error: alarms: 127.0.0.1 cannot be reached: ConnectError"
