"""LINE: nothing is taken that LINE did not sign, nothing is said twice, replies come before pushes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from channels.base import (
    ChannelDown,
    Host,
    InDoubt,
    NoPast,
    Receipt,
    Rejected,
    Request,
    Retry,
    Unavailable,
)
from channels.line import Line
from channels.line_settings import LineSettings
from channels.line_tokens import FRESH, ReplyTokens
from channels.line_words import split
from normalizer import normalize
from normalizer.message import Address, Envelope, Message, Spooled
from tests.channels.line_double import (
    BOT,
    HANA,
    SECRET,
    TOKEN,
    YUKI,
    Platform,
    call,
    platform,
    sign,
)
from tests.making import until as awaited


@pytest.fixture
def line() -> Iterator[Platform]:
    with platform() as running:
        yield running


async def until(holds: Callable[[], bool]) -> None:
    async def now() -> bool:
        return holds()

    await awaited(now)


@dataclass
class Gateway(NoPast):
    """Takes envelopes in; `down` times not."""

    taken: list[Envelope] = field(default_factory=list)
    down: int = 0
    _notes: dict[str, str] = field(default_factory=dict)

    async def accept(self, envelope: Envelope) -> Receipt:
        await asyncio.sleep(0)
        if self.down:
            self.down -= 1
            raise Unavailable
        self.taken.append(envelope)
        return Receipt(len(self.taken), "accepted")


def settings(line: Platform, **more: Any) -> LineSettings:
    known = {"channel_secret": SECRET, "access_token": TOKEN, "api": line.url, "data_api": line.url}
    return LineSettings.model_validate({"name": "line", "type": "line"} | known | more)


@asynccontextmanager
async def running(
    line: Platform, folder: Path, gateway: Gateway | None = None, **more: Any
) -> AsyncIterator[tuple[Line, Gateway]]:
    gateway = gateway or Gateway()
    made = gateway
    channel = Line(settings(line, **more), Host("mx.example", folder, past=lambda _: made))
    receiving = asyncio.create_task(channel.receive(gateway.accept))
    await until(lambda: channel.ready)
    try:
        yield channel, gateway
    finally:
        receiving.cancel()
        with suppress(asyncio.CancelledError):
            await receiving
        await channel.close()


def request(body: bytes, signature: str | None = None, **more: Any) -> Request:
    claimed = sign(body) if signature is None else signature
    plain = Request("POST", "", "", {"x-line-signature": claimed}, body, "192.0.2.1")
    return plain._replace(**more)


async def status(channel: Line, *events: dict[str, Any]) -> int:
    return (await channel.answer(request(call(*events)))).status


def said(text: str = "承りました", to: str = YUKI, **more: Any) -> Message:
    return Message(**{"kind": "reply", "to": (Address("", to),), "text": text} | more)


async def test_a_signed_call_is_taken_in_event_by_event(line: Platform, tmp_path: Path) -> None:
    events = [line.event(f"line {n}") for n in range(3)]
    async with running(line, tmp_path) as (channel, gateway):
        assert await status(channel, *events) == 200
        assert [one.unit for one in gateway.taken] == [e["webhookEventId"] for e in events]
        assert {one.format for one in gateway.taken} == {"line"}


async def test_a_writer_is_asked_for_a_name_once(line: Platform, tmp_path: Path) -> None:
    async with running(line, tmp_path) as (channel, gateway):
        for _ in range(2):
            assert await status(channel, line.event("hello")) == 200
        line.mode = "broken"
        assert await status(channel, line.event("hello", HANA)) == 200
        claims = [normalize(one)[0].claims[0] for one in gateway.taken]
    assert [(str(one.identity), one.name) for one in claims] == [
        (f"line:{YUKI}", "ゆき🌸"),
        (f"line:{YUKI}", "ゆき🌸"),
        (f"line:{HANA}", ""),
    ]
    assert line.asked.count(f"GET /v2/bot/profile/{YUKI}") == 1


async def test_line_may_verify_with_no_event_at_all(line: Platform, tmp_path: Path) -> None:
    async with running(line, tmp_path) as (channel, gateway):
        assert await status(channel) == 200
        assert gateway.taken == []


async def test_what_line_did_not_sign_is_refused_w01(line: Platform, tmp_path: Path) -> None:
    """10,000 bodies and signatures, each bent in one of the ways of W01: none is taken."""
    chance = random.Random(1)
    body = call(line.event("Where is my order? 注文はどこですか"))
    right = sign(body)
    async with running(line, tmp_path) as (channel, gateway):
        seen = set()
        for _ in range(10_000):
            wrong = request(*_bent(chance, body, right))
            seen.add((await channel.answer(wrong)).status)
        assert seen == {401}
        assert gateway.taken == []
        assert (await channel.answer(request(body, right))).status == 200


def _bent(chance: random.Random, body: bytes, right: str) -> tuple[bytes, str]:
    at = chance.randrange(len(body))
    cut = chance.randrange(len(right))
    other = chance.choice([c for c in "AQgw059+/" if c != right[cut]])
    return chance.choice(
        [
            (body[:at] + bytes([body[at] ^ 1 << chance.randrange(8)]) + body[at + 1 :], right),
            (body[:at], right),
            (body + b" ", right),
            (body, right[:cut]),
            (body, right[:cut] + other + right[cut + 1 :]),
            (body, ""),
            (body, right.upper()),
            (body, right.swapcase()),
            (body, sign(body, "another secret")),
            (body, f"\u00e9{right}"),
            (body, f"sha256={right}"),
        ]
    )


async def test_a_store_that_is_away_brings_line_again_i22(line: Platform, tmp_path: Path) -> None:
    event = line.event("hello")
    async with running(line, tmp_path, Gateway(down=1)) as (channel, gateway):
        with pytest.raises(Unavailable):
            await status(channel, event)
        assert await status(channel, event | {"deliveryContext": {"isRedelivery": True}}) == 200
        assert [one.unit for one in gateway.taken] == [event["webhookEventId"]]


async def test_one_user_is_taken_in_order_and_others_do_not_wait(
    line: Platform, tmp_path: Path
) -> None:
    events = [line.event(str(n), user) for n in range(10) for user in (YUKI, HANA)]
    async with running(line, tmp_path) as (channel, gateway):
        assert await status(channel, *events) == 200
        for user in (YUKI, HANA):
            mine = [e["webhookEventId"] for e in events if e["source"]["userId"] == user]
            assert [one.unit for one in gateway.taken if one.unit in mine] == mine


async def test_two_calls_at_once_keep_a_users_order(line: Platform, tmp_path: Path) -> None:
    events = [line.event(str(n)) for n in range(6)]
    async with running(line, tmp_path) as (channel, gateway):
        calls = (status(channel, *events[:3]), status(channel, *events[3:]))
        assert set(await asyncio.gather(*calls)) == {200}
        assert [one.unit for one in gateway.taken] == [e["webhookEventId"] for e in events]


async def test_only_posts_to_the_address_itself_are_served(line: Platform, tmp_path: Path) -> None:
    body = call(line.event("hello"))
    async with running(line, tmp_path, bot_user_id="U" + "9" * 32) as (channel, gateway):
        assert (await channel.answer(request(body, method="GET"))).status == 405
        assert (await channel.answer(request(body, path="/more"))).status == 404
        assert (await channel.answer(request(body))).status == 400, "another account's"
        for nothing in (b"", b"[]", b"{}", b"[" * 100_000, b'{"events": 1}'):
            assert (await channel.answer(request(nothing))).status == 400
        assert gateway.taken == []


async def test_nobody_listens_before_and_after(line: Platform, tmp_path: Path) -> None:
    async with running(line, tmp_path) as (channel, _):
        pass
    with pytest.raises(Unavailable):
        await channel.answer(request(call(line.event("hello"))))


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


async def test_an_acknowledgement_offers_a_person(line: Platform, tmp_path: Path) -> None:
    async with running(line, tmp_path) as (channel, _):
        for language in ("ja", "en"):
            message = said(kind="acknowledgement", language=language)
            await channel.send(message, language)
    found = [push["messages"][0]["quickReply"]["items"][0]["action"] for push in line.pushed]
    assert [action["label"] for action in found] == ["担当者と話す", "Talk to a person"]
    assert [action["text"] for action in found] == ["担当者と話す", "Talk to a person"]


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


def test_pieces_end_after_a_word_if_there_is_one() -> None:
    assert list(split("aaa bbb ccc", 8)) == ["aaa bbb", "ccc"]
    assert list(split("aaabbbccc", 4)) == ["aaab", "bbcc", "c"]


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


async def test_a_refused_token_is_told_and_cleared(line: Platform, tmp_path: Path) -> None:
    line.mode = "locked"
    async with running(line, tmp_path) as (channel, _):
        await until(lambda: "access_token" in channel.trouble)
        assert TOKEN not in channel.trouble
        line.mode = ""
        await channel.send(said(), "key-1")
        assert channel.trouble == ""
        assert channel.heard_at


async def test_files_are_fetched_small_or_large(line: Platform, tmp_path: Path) -> None:
    large = random.Random(1).randbytes(900_000)
    line.content |= {"1": b"small", "2": large, "3": 202, "4": b"x" * 1_000_001}
    async with running(line, tmp_path, max_file=1_000_000) as (channel, _):
        assert await channel.fetch("1") == b"small"
        spooled = await channel.fetch("2")
        assert isinstance(spooled, Spooled)
        assert await asyncio.to_thread(Path(spooled.path).read_bytes) == large
        with pytest.raises(Retry):
            await channel.fetch("3")
        for gone in ("4", "5", "../../info", ""):
            with pytest.raises(Rejected):
                await channel.fetch(gone)
    assert [path.name for path in (tmp_path / "spool").iterdir()] == [Path(spooled.path).name]


async def test_a_group_hears_one_word_and_is_not_kept(line: Platform, tmp_path: Path) -> None:
    group = {"type": "group", "groupId": "C1", "userId": YUKI}
    events = [line.event("secret talk", source=group), line.event(type="join", source=group)]
    async with running(line, tmp_path) as (channel, gateway):
        assert await status(channel, *events) == 200
        await until(lambda: len(line.replied) == 1)
        assert gateway.taken == []
        await channel.send(said(), "key-1")
    assert len(line.pushed) == 1, "a word from a group is no reply token for a talk"


async def test_check_tells_what_is_wrong(line: Platform, tmp_path: Path) -> None:
    async def check(**more: Any) -> str:
        channel = Line(settings(line, **more), Host("mx.example", tmp_path))
        try:
            return await channel.check()
        except ChannelDown as error:
            return f"wrong: {error}"
        finally:
            await channel.close()

    ours = {"public_url": "https://help.example.com/"}
    assert "enter https://help.example.com/in/line" in await check(**ours)
    line.endpoint = "https://old.example.com/in/line"
    assert "LINE calls https://old.example.com/in/line" in await check(**ours)
    line.endpoint = "https://help.example.com/in/line"
    line.active = False
    assert "Use webhook" in await check(**ours)
    line.active, line.reached = True, False
    assert "COULD_NOT_CONNECT" in await check(**ours)
    line.reached = True
    well = await check(**ours, bot_user_id=BOT)
    assert "Example (@216ru)" in well
    assert "auto-response" in well
    assert not well.startswith("wrong")
    assert "bot_user_id" in await check(bot_user_id=YUKI)
    line.mode = "locked"
    assert "401" in await check()
    assert not any(asked.startswith("PUT") for asked in line.asked), "a check changes nothing"


async def test_the_webhook_is_set_only_when_asked_for(line: Platform, tmp_path: Path) -> None:
    url = "https://help.example.com"
    async with running(line, tmp_path, public_url=url) as (channel, _):
        await until(lambda: channel.month[1] > 0)
        assert line.endpoint == ""
    async with running(line, tmp_path, public_url=url, set_webhook=True):
        await until(lambda: line.endpoint == f"{url}/in/line")


@pytest.mark.parametrize(
    "wrong",
    [
        {"channel_secret": ""},
        {"access_token": "two words"},
        {"access_token": "ひみつ"},
        {"public_url": "http://help.example.com"},
        {"public_url": "help.example.com"},
        {"set_webhook": True},
        {"monthly_limit": -1},
    ],
)
def test_settings_that_cannot_work_are_refused(line: Platform, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(line, **wrong)


def test_settings_know_short_words_a_day_and_whom_they_reach(line: Platform) -> None:
    made = settings(line)
    assert (made.form, made.gap) == ("short", timedelta(days=1))
    assert made.refuses(YUKI) == ""
    assert made.refuses("yuki@example.jp")
    assert SECRET not in repr(made)
    assert TOKEN not in repr(made)
