"""LINE: its files, its groups, and what an admin is told."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from channels.base import (
    ChannelDown,
    Host,
    Rejected,
    Retry,
)
from channels.line import Line
from normalizer.message import Spooled
from tests.channels.line_channel import running, said, settings, status, until
from tests.channels.line_double import (
    BOT,
    SECRET,
    TOKEN,
    YUKI,
    Platform,
)


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
