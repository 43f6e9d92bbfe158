"""LINE: nothing is taken that LINE did not sign, and everything in its order."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from channels.base import (
    Unavailable,
)
from normalizer import normalize
from tests.channels.line_channel import Gateway, request, running, status
from tests.channels.line_double import (
    HANA,
    YUKI,
    Platform,
    call,
    sign,
)


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


async def test_what_befalls_the_account_itself_is_nobodys_word(
    line: Platform, tmp_path: Path
) -> None:
    """Each would be a customer without a name or an address."""
    told = [line.event("", type=kind) for kind in ("botSuspended", "activated", "delivery")]
    for one in told:
        del one["source"]
    async with running(line, tmp_path) as (channel, gateway):
        await channel.answer(request(call(*told, line.event("hello"))))
        assert len(gateway.taken) == 1


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
