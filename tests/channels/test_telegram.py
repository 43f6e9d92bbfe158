"""The channel `telegram` against a strict double of the Bot API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import (
    ChannelDown,
    DeliveryError,
    Host,
    InDoubt,
    Receipt,
    Rejected,
    Request,
    Retry,
    Unavailable,
)
from channels.telegram import Telegram
from channels.telegram_settings import TelegramSettings
from normalizer.message import Address, Envelope, Message, Part
from tests import making
from tests.telegram_server import TOKEN, BotServer, Refusal, bot_server, update


@pytest.fixture
def bot() -> Iterator[BotServer]:
    with bot_server() as server:
        yield server


class Desk:
    """Takes envelopes as the gateway does; `down` makes it raise Unavailable."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.down = False
        self.refused = 0

    async def __call__(self, envelope: Envelope) -> Receipt:
        if self.down:
            self.refused += 1
            raise Unavailable
        self.taken.append(envelope)
        return Receipt(len(self.taken), "accepted")

    @property
    def units(self) -> list[str]:
        return [envelope.unit for envelope in self.taken]


class Pauses:
    """Instead of sleeping: notes how long it would have been, and lets the loop turn."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(
    bot: BotServer, folder: Path, desk: Desk, *, token: str = TOKEN, **more: Any
) -> AsyncIterator[tuple[Telegram, Pauses]]:
    pauses = Pauses()
    settings = TelegramSettings(name="tg", type="telegram", token=token, api=bot.url, **more)
    channel = Telegram(settings, Host("desk", folder), sleep=pauses)
    task = asyncio.create_task(channel.receive(desk))
    try:
        yield channel, pauses
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await channel.close()


async def until(true: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return true()

    await making.until(holds)


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
    assert bot.said() == []


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


async def test_a_webhook_that_fails_is_trouble(bot: BotServer, tmp_path: Path) -> None:
    bot.webhook |= {
        "pending_update_count": 3,
        "last_error_date": int(datetime.now(UTC).timestamp()),
        "last_error_message": "Connection refused",
    }
    async with running(bot, tmp_path, Desk(), **HOOK) as (channel, _):
        await until(lambda: "Connection refused" in channel.trouble)


def reply(text: str = "We have it.", **more: Any) -> Message:
    return Message(kind="reply", to=(Address("", "77"),), text=text, **more)


async def test_a_text_goes_as_it_is_and_answers_theirs(bot: BotServer, tmp_path: Path) -> None:
    async with running(bot, tmp_path, Desk()) as (channel, _):
        text = "<b>*not* bold_</b> & 承りました"
        sent = await channel.send(reply(text, in_reply_to="telegram:77:12"), "k")
        await channel.send(reply(in_reply_to="abc@mail.example"), "k2")
    first, second = bot.said()
    assert first["text"] == text
    assert "parse_mode" not in first
    assert json.loads(first["reply_parameters"])["message_id"] == 12
    assert "reply_parameters" not in second
    assert sent.peer_id == "telegram:77:1001"


async def test_files_follow_the_text(bot: BotServer, tmp_path: Path) -> None:
    def part(name: str, content_type: str) -> Part:
        return Part(role="attachment", content_type=content_type, size=3, sha256="", data=b"abc",
                    filename=name)  # fmt: skip

    parts = (part("a.png", "image/png"), part("b.pdf", "application/pdf"))
    async with running(bot, tmp_path, Desk()) as (channel, _):
        await channel.send(reply(parts=parts), "k")
    assert ("a.png", b"abc") in bot.said("sendPhoto")[0].values()
    assert ("b.pdf", b"abc") in bot.said("sendDocument")[0].values()


async def test_a_second_try_goes_on_where_the_first_ended(bot: BotServer, tmp_path: Path) -> None:
    long = "\n\n".join(c * 3000 for c in "abc")
    async with running(bot, tmp_path, Desk()) as (channel, _):
        part = Part(role="attachment", content_type="text/plain", size=1, sha256="", data=b"x")
        bot.refusals["sendDocument"] = Refusal(429, "Too Many Requests", {"retry_after": 7})
        with pytest.raises(Retry) as caught:
            await channel.send(reply(long, parts=(part,)), "k")
        assert caught.value.after == timedelta(seconds=7)
        del bot.refusals["sendDocument"]
        await channel.send(reply(long, parts=(part,)), "k")
    assert [fields["text"][0] for fields in bot.said()] == ["a", "b", "c"]
    assert len(bot.said("sendDocument")) == 2


ENDS: dict[str, tuple[Refusal, type[DeliveryError], str]] = {
    "busy": (Refusal(429, "Too Many Requests: retry after 7", {"retry_after": 7}), Retry, ""),
    "busy, unnamed": (Refusal(429, "Too Many Requests"), Retry, ""),
    "blocked": (Refusal(403, "Forbidden: bot was blocked by the user"), Rejected, "address_dead"),
    "nobody": (Refusal(400, "Bad Request: chat not found"), Rejected, "address_dead"),
    "content": (Refusal(400, "Bad Request: message is too long"), Rejected, "content"),
    "token": (Refusal(401, "Unauthorized"), ChannelDown, ""),
    "their fault": (Refusal(500, "Internal Server Error"), ChannelDown, ""),
    "vanishes": (Refusal(0), InDoubt, ""),
}


@pytest.mark.parametrize(("refusal", "ends", "reason"), ENDS.values(), ids=ENDS)
async def test_each_refusal_means_one_thing(
    bot: BotServer, tmp_path: Path, refusal: Refusal, ends: type[DeliveryError], reason: str
) -> None:
    async with running(bot, tmp_path, Desk()) as (channel, _):
        bot.refusals["sendMessage"] = refusal
        with pytest.raises(ends) as caught:
            await channel.send(reply(), "k")
    assert getattr(caught.value, "reason", "") == reason


async def test_g05_without_a_connection_nothing_was_given_and_no_token_is_told(
    tmp_path: Path,
) -> None:
    with bot_server() as bot:
        pass
    async with running(bot, tmp_path, Desk()) as (channel, _):
        with pytest.raises(ChannelDown) as caught:
            await channel.send(reply(), "k")
    assert TOKEN not in str(caught.value)


async def test_a_file_is_fetched_unless_it_is_too_large(bot: BotServer, tmp_path: Path) -> None:
    bot.files |= {"small": b"x" * 300_000, "large": b"x"}
    bot.sizes["large"] = 20_000_001
    async with running(bot, tmp_path, Desk()) as (channel, _):
        assert await channel.fetch("small") == bot.files["small"]
        for gone in ("large", "unknown"):
            with pytest.raises(Rejected):
                await channel.fetch(gone)


async def test_check_says_who_answers_and_warns_of_groups(bot: BotServer, tmp_path: Path) -> None:
    async with running(bot, tmp_path, Desk()) as (channel, _):
        said = await channel.check()
    assert said.startswith("@desk_bot answers")
    assert "/setjoingroups" in said


def _settings(**more: Any) -> TelegramSettings:
    return TelegramSettings(name="tg", type="telegram", **({"token": TOKEN} | more))


@pytest.mark.parametrize(
    ("mode", "url", "speaks", "called"),
    [
        ("poll", "", "live", False),
        ("poll", "https://d.example", "live", False),
        ("webhook", "https://d.example", "live", True),
        ("live", "https://d.example", "live", True),
        ("approve", "https://d.example", "approve", True),
        ("watch", "", "watch", False),
    ],
)
def test_mode_says_how_updates_come_or_how_freely_we_speak(
    mode: str, url: str, speaks: str, called: bool
) -> None:
    settings = _settings(mode=mode, public_url=url)
    assert settings.speaks == speaks
    assert bool(settings.hook) is called


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "webhook"},
        {"public_url": "http://desk.example.com"},
        {"public_url": "https://user:pw@desk.example.com"},
        {"api": "ftp://x"},
        {"token": "no token"},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"public_url|address|pattern"):
        _settings(**wrong)


def test_only_a_number_can_be_written_to() -> None:
    assert not _settings().refuses("77")
    assert _settings().refuses("yuki")
    assert "4242" in str(_settings().own())
