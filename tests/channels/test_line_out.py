"""LINE: replies come before pushes, and nothing is said twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from channels.base import (
    ChannelDown,
    InDoubt,
    Rejected,
    Retry,
    Sent,
    Unavailable,
)
from channels.line.tokens import FRESH, ReplyTokens
from normalizer import normalize
from normalizer.message import Button
from tests.channels.line_channel import Gateway, running, said, status, until
from tests.channels.line_double import (
    YUKI,
    Platform,
)


async def test_the_newest_reply_token_is_used_once_and_then_pushed(
    line: Platform, tmp_path: Path
) -> None:
    events = [line.event(str(n)) for n in range(5)]
    async with running(line, tmp_path) as (channel, _):
        await status(channel, *events)
        sent = await channel.send(said(), "key-1")
        await channel.send(said("more"), "key-2")
    (reply,), (push,) = line.replied, line.pushed
    assert reply["replyToken"] == events[-1]["replyToken"]
    assert push["messages"] == [{"type": "text", "text": "more"}]
    assert sent.peer_id
    assert line.used == 1


async def test_a_reply_token_that_line_no_longer_takes_costs_a_push(
    line: Platform, tmp_path: Path
) -> None:
    async with running(line, tmp_path) as (channel, _):
        await status(channel, line.event("hello"))
        line.later = 61
        await channel.send(said(), "key-1")
    assert (len(line.replied), len(line.pushed)) == (0, 1)


async def test_a_standby_channel_has_no_reply_token(line: Platform, tmp_path: Path) -> None:
    async with running(line, tmp_path) as (channel, _):
        await status(channel, line.event("hello", mode="standby"))
        await channel.send(said(), "key-1")
    assert len(line.pushed) == 1


def test_reply_tokens_are_forgotten_in_time() -> None:
    now = [0.0]
    tokens = ReplyTokens(lambda: now[0])
    tokens.learn(YUKI, "new", 2)
    tokens.learn(YUKI, "old, delivered again", 1)
    token = tokens.take(YUKI)
    assert token
    assert token.value == "new"
    assert tokens.take(YUKI) is None
    tokens.learn(YUKI, "newer", 3)
    tokens.put_back(YUKI, token)
    now[0] = FRESH + 0.1
    assert tokens.take(YUKI) is None


async def test_a_button_that_is_pressed_comes_back_with_its_words(
    line: Platform, tmp_path: Path
) -> None:
    async with running(line, tmp_path) as (channel, gateway):
        await channel.send(said(buttons=(Button("担当者と話す", "person"),)), "key-1")
        (item,) = line.pushed[0]["messages"][-1]["quickReply"]["items"]
        action = item["action"]
        assert action["displayText"] == action["label"] == "担当者と話す"
        assert len(action["data"]) <= 300
        await status(channel, line.event(type="postback", postback={"data": action["data"]}))
        (pressed,) = normalize(gateway.taken[-1])
    assert (pressed.text, pressed.pressed, pressed.language) == ("担当者と話す", "person", "ja")


async def test_a_long_text_is_split_and_one_too_long_refused(
    line: Platform, tmp_path: Path
) -> None:
    async with running(line, tmp_path) as (channel, _):
        text = "\n".join("🙂" * 100 for _ in range(60))
        await channel.send(said(text), "key-1")
        pieces = [message["text"] for message in line.pushed[0]["messages"]]
        assert len(pieces) == 3
        assert "\n".join(pieces) == text
        for wrong in ("x" * 25_001, " \n "):
            with pytest.raises(Rejected):
                await channel.send(said(wrong), "key-2")


@pytest.mark.parametrize(
    ("mode", "error"),
    [("down", Retry), ("broken", Retry), ("busy", Retry), ("locked", ChannelDown)],
)
async def test_a_push_that_failed_for_now_is_tried_again(
    line: Platform, tmp_path: Path, mode: str, error: type[Exception]
) -> None:
    async with running(line, tmp_path) as (channel, _):
        line.mode = mode
        with pytest.raises(error) as caught:
            await channel.send(said(), "key-1")
        if isinstance(caught.value, Retry) and mode == "busy":
            assert caught.value.after == timedelta(seconds=7)
        line.mode = ""
        await channel.send(said(), "key-1")
    assert len(line.pushed) == 1


async def test_a_push_whose_answer_was_lost_is_not_sent_twice(
    line: Platform, tmp_path: Path
) -> None:
    async with running(line, tmp_path) as (channel, _):
        line.mode = "swallow"
        with pytest.raises(Retry):
            await channel.send(said(), "key-1")
        line.mode = ""
        assert (await channel.send(said(), "key-1")).peer_id
    assert len(line.pushed) == 1


@pytest.mark.parametrize("mode", ["down", "broken"])
async def test_a_reply_whose_answer_was_lost_is_in_doubt(
    line: Platform, tmp_path: Path, mode: str
) -> None:
    async with running(line, tmp_path) as (channel, _):
        await status(channel, line.event("hello"))
        line.mode = mode
        with pytest.raises(InDoubt):
            await channel.send(said(), "key-1")


async def test_a_busy_line_does_not_use_up_the_reply_token(line: Platform, tmp_path: Path) -> None:
    async with running(line, tmp_path) as (channel, _):
        await status(channel, line.event("hello"))
        line.mode = "busy"
        with pytest.raises(Retry):
            await channel.send(said(), "key-1")
        line.mode = ""
        await channel.send(said(), "key-1")
    assert (len(line.replied), len(line.pushed)) == (1, 0)


async def test_who_is_unknown_or_has_blocked_us_is_a_dead_address(
    line: Platform, tmp_path: Path
) -> None:
    """LINE takes pushes to who has blocked us; only its event tells."""
    async with running(line, tmp_path) as (channel, _):
        line.blocked_by.add(YUKI)
        await channel.send(said(), "key-0")
        await status(channel, line.event(type="unfollow", replyToken=""))
        for user in (YUKI, "U" + "c" * 32):
            with pytest.raises(Rejected) as caught:
                await channel.send(said(to=user), f"key {user}")
            assert caught.value.reason == "address_dead"


async def test_a_friend_who_comes_back_is_reached_whatever_order_events_come_in(
    line: Platform, tmp_path: Path
) -> None:
    async with running(line, tmp_path) as (channel, _):
        left, back = (line.event(type=kind, replyToken="") for kind in ("unfollow", "follow"))
        await status(channel, back)
        await status(channel, left)
        await channel.send(said(), "key-1")
    assert len(line.pushed) == 1


async def test_notes_that_cannot_be_read_leave_no_doubt(line: Platform, tmp_path: Path) -> None:
    class Forgetful(Gateway):
        async def recall(self, name: str) -> str:
            raise OSError

    async with running(line, tmp_path, Forgetful()) as (channel, _):
        with pytest.raises(ChannelDown):
            await channel.send(said(), "key-1")
        with pytest.raises(Unavailable):
            await status(channel, line.event(type="unfollow"))
    assert line.pushed == []


async def test_a_month_that_is_used_up_closes_the_window(line: Platform, tmp_path: Path) -> None:
    line.used = 999
    async with running(line, tmp_path) as (channel, _):
        await until(lambda: channel.month == (999, 1000))
        await channel.send(said(), "key-1")
        assert channel.month == (1000, 1000)
        with pytest.raises(Rejected) as caught:
            await channel.send(said(), "key-2")
        assert caught.value.reason == "window"
        await status(channel, line.event("hello"))
        await channel.send(said(), "key-2")
    assert (len(line.replied), len(line.pushed)) == (1, 1)


async def test_our_own_limit_holds_where_the_plan_has_none(line: Platform, tmp_path: Path) -> None:
    line.quota, line.used = None, 49
    async with running(line, tmp_path, monthly_limit=50) as (channel, _):
        await until(lambda: channel.month == (49, 50))
        await channel.send(said(), "key-1")
        with pytest.raises(Rejected, match="monthly_limit"):
            await channel.send(said(), "key-2")
    assert len(line.pushed) == 1


async def test_pushes_at_the_same_moment_share_what_is_left(line: Platform, tmp_path: Path) -> None:
    line.quota, line.used = None, 48
    async with running(line, tmp_path, monthly_limit=50) as (channel, _):
        await until(lambda: channel.month == (48, 50))
        sending = (channel.send(said(), f"key-{n}") for n in range(6))
        ends = await asyncio.gather(*sending, return_exceptions=True)
        assert channel.month == (50, 50)
    assert [type(end) for end in ends if not isinstance(end, Sent)] == [Rejected] * 4
    assert len(line.pushed) == 2


async def test_a_new_month_is_noticed_by_the_first_push_in_it(
    line: Platform, tmp_path: Path
) -> None:
    line.quota, line.used = None, 50
    async with running(line, tmp_path, monthly_limit=50) as (channel, _):
        await until(lambda: channel.month == (50, 50))
        line.used = 0  # midnight
        await channel.send(said(), "key-1")
        assert channel.month == (1, 50)
        line.used, line.mode = 50, ""
        await channel._meter.look(channel._api)
        line.mode = "broken"
        with pytest.raises(ChannelDown):
            await channel.send(said(), "key-2")


async def test_a_pause_without_end_is_an_hour(line: Platform, tmp_path: Path) -> None:
    line.pause = "9" * 5000
    async with running(line, tmp_path) as (channel, _):
        line.mode = "busy"
        with pytest.raises(Retry) as caught:
            await channel.send(said(), "key-1")
    assert caught.value.after == timedelta(hours=1)
