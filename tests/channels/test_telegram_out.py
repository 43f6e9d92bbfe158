"""Telegram: what we say, and what its refusals mean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from channels.base import (
    ChannelDown,
    DeliveryError,
    InDoubt,
    Rejected,
    Retry,
)
from normalizer.message import Button, Message, Part
from tests.channels.telegram_channel import Desk, reply, running
from tests.telegram_server import TOKEN, BotServer, Refusal, bot_server


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


async def test_a_file_goes_by_itself_and_a_picture_as_one(bot: BotServer, tmp_path: Path) -> None:
    def file(name: str, content_type: str) -> Message:
        part = Part(role="attachment", content_type=content_type, size=3, sha256="", data=b"abc",
                    filename=name)  # fmt: skip
        return reply("", parts=(part,), in_reply_to="telegram:77:12")

    async with running(bot, tmp_path, Desk()) as (channel, _):
        await channel.send(file("a.png", "image/png"), "k")
        await channel.send(file("b.pdf", "application/pdf"), "k/1")
        with pytest.raises(Rejected):
            await channel.send(reply(" "), "k")
    assert ("a.png", b"abc") in bot.said("sendPhoto")[0].values()
    assert ("b.pdf", b"abc") in bot.said("sendDocument")[0].values()
    assert json.loads(bot.said("sendPhoto")[0]["reply_parameters"])["message_id"] == 12


async def test_buttons_stand_below_the_text(bot: BotServer, tmp_path: Path) -> None:
    marks = tuple(Button(str(n), f"vote:{n}") for n in range(1, 6))
    choices = (
        Button("I still need help", "stuck"), Button("Track it", url="https://shop.example/t"),
    )  # fmt: skip
    async with running(bot, tmp_path, Desk()) as (channel, _):
        await channel.send(reply(buttons=marks), "k")
        await channel.send(reply(buttons=choices), "k2")
        await channel.send(reply(), "k3")
    first, second, third = bot.said()
    (row,) = json.loads(first["reply_markup"])["inline_keyboard"]
    assert [(one["text"], one["callback_data"]) for one in row] == [
        (str(n), f"vote:{n}") for n in range(1, 6)
    ]
    (stuck,), (page,) = json.loads(second["reply_markup"])["inline_keyboard"]
    assert stuck["callback_data"] == "stuck"
    assert (page["url"], "callback_data" in page) == ("https://shop.example/t", False)
    assert "reply_markup" not in third


ENDS: dict[str, tuple[Refusal, type[DeliveryError], str]] = {
    "busy": (Refusal(429, "Too Many Requests: retry after 7", {"retry_after": 7}), Retry, ""),
    "busy for ever": (Refusal(429, "Too Many Requests", {"retry_after": 10**15}), Retry, ""),
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


async def test_a_token_that_is_refused_says_where_another_comes_from(
    bot: BotServer, tmp_path: Path
) -> None:
    async with running(bot, tmp_path, Desk()) as (channel, _):
        bot.refusals["getMe"] = Refusal(401, "Unauthorized")
        with pytest.raises(ChannelDown, match="@BotFather"):
            await channel.check()


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
