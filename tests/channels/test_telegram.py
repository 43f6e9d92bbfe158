"""Telegram: an update is stored before it is confirmed, in its order."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from channels.base import ChannelDown, NoPast, Receipt, Request, Unavailable
from channels.telegram.groups import ALONE
from normalizer.message import Envelope
from tests.channels.telegram_channel import Desk, running, until
from tests.telegram_server import TOKEN, BotServer, Refusal, bot_server, pressed, update


async def test_an_update_is_confirmed_only_after_accept(bot: BotServer, tmp_path: Path) -> None:
    desk = Desk()
    early: list[int] = []
    bot.confirming = lambda ids: early.extend(i for i in ids if str(i) not in desk.units)
    async with running(bot, tmp_path, desk):
        bot.put(*(update(n, who=n % 3 + 1) for n in range(1, 31)))
        await until(lambda: len(bot.confirmed) == 30)
    assert sorted(map(int, desk.units)) == list(range(1, 31))
    assert early == []


async def test_each_chat_keeps_its_order(bot: BotServer, tmp_path: Path) -> None:
    desk = Desk()
    bot.put(*(update(n, who=n % 3 + 1) for n in range(1, 31)))
    async with running(bot, tmp_path, desk):
        await until(lambda: len(desk.taken) == 30)
    for chat in range(3):
        assert [u for u in map(int, desk.units) if u % 3 == chat] == [
            n for n in range(1, 31) if n % 3 == chat
        ]


async def test_what_cannot_be_stored_comes_again(bot: BotServer, tmp_path: Path) -> None:
    desk = Desk()
    desk.down = True
    bot.put(update(1), update(2))
    async with running(bot, tmp_path, desk) as (_, pauses):
        await until(lambda: desk.refused >= 3)
        assert bot.confirmed == []
        assert pauses.asked
        desk.down = False
        await until(lambda: bot.confirmed == [1, 2])
    assert desk.units == ["1", "2"]


async def test_what_no_type_describes_is_stored_too(bot: BotServer, tmp_path: Path) -> None:
    desk = Desk()
    odd: dict[str, Any] = {"update_id": 1, "message": ["no", "message"], "new_in_2030": {"chat": 3}}
    bot.put(odd, update(2))
    async with running(bot, tmp_path, desk):
        await until(lambda: bot.confirmed == [1, 2])
    first = desk.taken[0].raw
    assert isinstance(first, bytes)
    assert json.loads(first) == odd


async def test_numbers_that_begin_anew_are_heard(bot: BotServer, tmp_path: Path) -> None:
    """After a quiet week Telegram goes on with any number, also a lower one."""
    desk = Desk()
    async with running(bot, tmp_path, desk):
        bot.put(update(500))
        await until(lambda: bot.confirmed == [500])
        asked = bot.polls
        await until(lambda: bot.polls > asked + 1)
        bot.put(update(7))
        await until(lambda: desk.units == ["500", "7"])


@pytest.mark.parametrize(
    ("refusal", "token"),
    [(Refusal(409, "Conflict: terminated by other getUpdates request"), TOKEN), (None, "1:wrong")],
    ids=["another poller", "I14: the token is refused"],
)
async def test_trouble_that_a_person_must_see_to(
    bot: BotServer, tmp_path: Path, refusal: Refusal | None, token: str
) -> None:
    if refusal:
        bot.refusals["getUpdates"] = refusal
    async with running(bot, tmp_path, Desk(), token=token) as (channel, pauses):
        await until(lambda: len(pauses.asked) >= 2)
        assert channel.trouble
        assert token not in channel.trouble
        assert not channel.ready
        assert set(pauses.asked) == {300.0}
        if refusal:
            del bot.refusals["getUpdates"]
            await until(lambda: channel.ready and not channel.trouble)


async def test_a_network_that_is_away_is_tried_with_growing_pauses(tmp_path: Path) -> None:
    with bot_server() as bot:
        pass
    async with running(bot, tmp_path, Desk()) as (channel, pauses):
        await until(lambda: len(pauses.asked) >= 8)
    assert not channel.trouble
    assert pauses.asked[0] <= 1
    assert 30 <= pauses.asked[7] <= 60


async def test_our_own_webhook_of_before_is_taken_back(bot: BotServer, tmp_path: Path) -> None:
    bot.webhook["url"] = "https://desk.example.com/in/tg"
    bot.refusals["getUpdates"] = Refusal(409, "Conflict: can't use getUpdates while webhook is on")
    async with running(bot, tmp_path, Desk()) as (channel, _):
        await until(lambda: channel.ready)
    assert bot.webhook["url"] == ""


async def test_somebody_else_s_webhook_is_left_alone(bot: BotServer, tmp_path: Path) -> None:
    bot.webhook["url"] = "https://shop.example.com/bot"
    bot.refusals["getUpdates"] = Refusal(409, "Conflict: can't use getUpdates while webhook is on")
    async with running(bot, tmp_path, Desk()) as (channel, pauses):
        await until(lambda: len(pauses.asked) >= 2)
        assert bot.webhook["url"]
        with pytest.raises(ChannelDown, match=r"shop\.example\.com"):
            await channel.check()


async def test_a_group_is_left_and_is_nobody_s_case(bot: BotServer, tmp_path: Path) -> None:
    desk = Desk()
    group = {"id": -100, "type": "supergroup", "title": "Friends"}
    joined = {"chat": group, "new_chat_member": {"status": "member"}, "date": 1}
    gone = joined | {"new_chat_member": {"status": "left"}}
    bot.put(
        {"update_id": 1, "my_chat_member": joined},
        update(2, chat=group),
        {"update_id": 3, "my_chat_member": gone},
    )
    async with running(bot, tmp_path, desk):
        await until(lambda: bot.confirmed == [1, 2, 3])
    assert desk.taken == []
    assert [fields["chat_id"] for fields in bot.said("leaveChat")] == ["-100", "-100"]
    (said,) = bot.said()
    assert (said["chat_id"], said["text"]) == ("-100", ALONE)


async def test_what_waited_is_dated_as_telegram_took_it(bot: BotServer, tmp_path: Path) -> None:
    desk, now = Desk(), datetime.now(UTC)
    hour = int((now - timedelta(hours=1)).timestamp())
    bot.put(update(1, date=hour), update(2, date=1_000_000_000), update(3, date="x"))
    async with running(bot, tmp_path, desk):
        await until(lambda: len(desk.taken) == 3)
    waited, *others = (e.received_at for e in desk.taken)
    assert waited.timestamp() == hour
    assert all(at >= now for at in others)


def _ask(secret: str | None, body: bytes, method: str = "POST") -> Request:
    headers = {} if secret is None else {"x-telegram-bot-api-secret-token": secret}
    return Request(method, "", "", headers, body, "127.0.0.1")


async def test_a_group_hears_one_word_whatever_it_does(bot: BotServer, tmp_path: Path) -> None:
    """Also after a restart, from many calls at once, and where the bot may not write."""
    group = {"id": -100, "type": "group"}
    past = NoPast()
    for _ in range(2):
        async with running(bot, tmp_path, Desk(), past=past, **HOOK) as (channel, _):
            await until(lambda: channel.ready)
            secret = bot.said("setWebhook")[-1]["secret_token"]
            bodies = [json.dumps(update(n, chat=group)).encode() for n in range(20)]
            answers = await asyncio.gather(*(channel.answer(_ask(secret, b)) for b in bodies))
            assert {answer.status for answer in answers} == {200}
    assert len(bot.said()) == 1
    bot.refusals["sendMessage"] = Refusal(403, "Forbidden: bot is not a member")
    async with running(bot, tmp_path, Desk()) as (channel, _):
        bot.put(update(1, chat={"id": -200, "type": "channel"}))
        await until(lambda: bot.confirmed == [1])
    assert bot.said("leaveChat")[-1]["chat_id"] == "-200"


HOOK = {"mode": "webhook", "public_url": "https://desk.example.com/"}


async def test_a_webhook_is_set_and_answers_after_accept(bot: BotServer, tmp_path: Path) -> None:
    desk = Desk()
    async with running(bot, tmp_path, desk, **HOOK) as (channel, _):
        await until(lambda: channel.ready)
        (asked,) = bot.said("setWebhook")[:1]
        secret = asked["secret_token"]
        assert asked["url"] == "https://desk.example.com/in/tg"
        assert TOKEN not in secret
        body = json.dumps(update(5)).encode()
        assert (await channel.answer(_ask(None, body))).status == 401
        assert (await channel.answer(_ask(secret[:-1] + "x", body))).status == 403
        assert (await channel.answer(_ask("é", body))).status == 403
        assert desk.taken == []
        assert (await channel.answer(_ask(secret, body))).status == 200
        assert (await channel.answer(_ask(secret, b"{]"))).status == 200
        assert desk.units[0] == "5"
        assert desk.units[1].startswith("sha256:")
        desk.down = True
        with pytest.raises(Unavailable):
            await channel.answer(_ask(secret, body))
    with pytest.raises(Unavailable):
        await channel.answer(_ask(secret, body))


async def test_calls_at_the_same_moment_keep_each_chat_s_order(
    bot: BotServer, tmp_path: Path
) -> None:
    class Slow(Desk):
        began: ClassVar[list[str]] = []
        may = asyncio.Event()

        async def __call__(self, envelope: Envelope) -> Receipt:
            self.began.append(envelope.unit)
            if envelope.unit == "1":
                await self.may.wait()
            return await super().__call__(envelope)

    desk = Slow()
    async with running(bot, tmp_path, desk, **HOOK) as (channel, _):
        await until(lambda: channel.ready)
        secret = bot.said("setWebhook")[-1]["secret_token"]
        bodies = [json.dumps(update(n, who=who)).encode() for n, who in ((1, 7), (2, 7), (3, 8))]
        calls = [asyncio.create_task(channel.answer(_ask(secret, body))) for body in bodies]
        await until(lambda: desk.units == ["3"])
        assert desk.began == ["1", "3"], "the second of the same chat waits, another chat does not"
        desk.may.set()
        assert [(await one).status for one in calls] == [200] * 3
    assert desk.units == ["3", "1", "2"]


async def test_a_webhook_that_fails_is_trouble(bot: BotServer, tmp_path: Path) -> None:
    bot.webhook |= {
        "pending_update_count": 3,
        "last_error_date": int(datetime.now(UTC).timestamp()),
        "last_error_message": "Connection refused",
    }
    async with running(bot, tmp_path, Desk(), **HOOK) as (channel, _):
        await until(lambda: "Connection refused" in channel.trouble)


async def test_a_button_stops_turning_once_it_is_stored(bot: BotServer, tmp_path: Path) -> None:
    desk = Desk()
    bot.refusals["answerCallbackQuery"] = Refusal(400, "Bad Request: query is too old")
    async with running(bot, tmp_path, desk) as (channel, _):
        bot.put(pressed(1, "person", "Talk to a person"))
        await until(lambda: bot.confirmed == [1])
        assert channel.ready, "one that cannot be answered any more holds up nothing"
    assert [fields["callback_query_id"] for fields in bot.said("answerCallbackQuery")] == ["q1"]
    assert desk.units == ["1"]


async def test_a_button_in_a_group_is_nobody_s_case(bot: BotServer, tmp_path: Path) -> None:
    desk, asked = Desk(), pressed(1, "person", "Talk to a person")
    asked["callback_query"]["message"]["chat"] = {"id": -100, "type": "supergroup"}
    bot.put(asked)
    async with running(bot, tmp_path, desk):
        await until(lambda: bot.confirmed == [1])
    assert desk.taken == []
