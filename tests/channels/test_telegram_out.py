"""Telegram: what we say, and what its refusals mean."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from channels.base import (
    ChannelDown,
    DeliveryError,
    InDoubt,
    Rejected,
    Retry,
)
from normalizer.message import Part
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
