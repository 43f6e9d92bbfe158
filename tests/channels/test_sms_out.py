"""Text messages out: what Twilio's answers mean, what is counted, and what is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import (
    ChannelDown,
    DeliveryError,
    InDoubt,
    NoPast,
    Rejected,
    Retry,
    Sent,
)
from channels.sms import Sms
from channels.sms.meter import Meter
from channels.sms.segments import segments
from channels.testing import PAUSE
from gateway.outgoing.render import render
from normalizer.message import Address, Button, Message, Part, Spooled
from tests.channels.api_double import Asked, Double, Says, opened
from tests.channels.hooked import running
from tests.channels.line_channel import Gateway, until
from tests.channels.twilio_double import YUKI, Twilio, sid, sms_settings

SERVICE = "MG" + "0b" * 16
SOURCE = f"{sid(1, 'MM')}/Media/ME{'0c' * 16}"


@asynccontextmanager
async def sms(
    twilio: Twilio, folder: Path, gateway: Gateway | None = None, **more: Any
) -> AsyncIterator[tuple[Sms, Gateway]]:
    def make(host: Any) -> Sms:
        return Sms(sms_settings(twilio, **more), host)

    async with running(make, folder, gateway) as both:
        yield both


def said(text: str = "承りました", to: str = YUKI, **more: Any) -> Message:
    return Message(**{"kind": "reply", "to": (Address("", to),), "text": text} | more)


def _size(path: str) -> int:
    return Path(path).stat().st_size


async def test_a_text_asks_for_reports(twilio: Twilio, tmp_path: Path) -> None:
    async with sms(twilio, tmp_path) as (channel, _):
        sent = await channel.send(said(), "key-1")
        (one,) = twilio.sent
        assert sent.peer_id == f"sms:{one['sid']}"
        assert one["StatusCallback"] == "https://help.example.com/in/sms"
        assert one["From"] == "+815012345678"


async def test_a_messaging_service_chooses_who_sends(twilio: Twilio, tmp_path: Path) -> None:
    async with sms(twilio, tmp_path, sender=SERVICE) as (channel, _):
        await channel.send(said(), "key-1")
        assert twilio.sent[0]["MessagingServiceSid"] == SERVICE
        assert channel.month == (1, 0), "where Twilio does not count yet, we do"


async def test_1600_characters_are_one_message_and_more_are_several(
    twilio: Twilio, tmp_path: Path
) -> None:
    words = " ".join(f"word{n}" for n in range(400))
    async with sms(twilio, tmp_path) as (channel, _):
        limits = sms_settings().limits
        for text in ("あ" * 1600, "🙂" * 801, words):
            twilio.sent.clear()
            for piece in render(said(text), limits):
                await channel.send(piece, "key-1")
            pieces = [one["Body"] for one in twilio.sent]
            assert (len(pieces) > 1) == (text != "あ" * 1600)
            assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


async def test_a_file_is_named_and_a_choice_is_numbered(twilio: Twilio, tmp_path: Path) -> None:
    choices = (Button("はい", "solved"), Button("いいえ", "stuck"))
    picture = Part(
        role="attachment", content_type="image/png", size=1, sha256="0" * 64, data=b"x",
        filename="写真.png",
    )  # fmt: skip
    (piece,) = render(
        said("いかがですか", buttons=choices, parts=(picture,), language="ja"),
        sms_settings().limits,
    )
    async with sms(twilio, tmp_path) as (channel, _):
        await channel.send(piece, "key-1")
    (one,) = twilio.sent
    assert "1. はい\n2. いいえ" in one["Body"]
    assert "写真.png" in one["Body"]


@pytest.mark.parametrize(
    ("mode", "kind", "reason"),
    [
        ("busy", Retry, ""),
        ("broken", Retry, ""),
        ("gateway", InDoubt, ""),
        ("unwanted", Rejected, "content"),
        ("gone", Rejected, "address_dead"),
        ("vanishes", InDoubt, ""),
        ("locked", ChannelDown, ""),
    ],
)
async def test_each_answer_has_its_meaning(
    twilio: Twilio, tmp_path: Path, mode: str, kind: type[DeliveryError], reason: str
) -> None:
    async with sms(twilio, tmp_path) as (channel, _):
        twilio.mode = mode
        with pytest.raises(kind) as raised:
            await channel.send(said(), "key-1")
        assert getattr(raised.value, "reason", "") == reason
        assert YUKI[1:] not in str(raised.value), "an error names no customer"
        assert (getattr(raised.value, "after", None) == PAUSE) == (mode == "busy")


async def test_a_number_that_is_none_is_dead(twilio: Twilio, tmp_path: Path) -> None:
    async with sms(twilio, tmp_path) as (channel, _):
        with pytest.raises(Rejected) as raised:
            await channel.send(said(to="yuki"), "key-1")
        assert raised.value.reason == "address_dead"


async def test_nothing_cannot_be_sent(twilio: Twilio, tmp_path: Path) -> None:
    async with sms(twilio, tmp_path) as (channel, _):
        with pytest.raises(Rejected):
            await channel.send(said(" \n"), "key-1")
        assert twilio.sent == []


async def test_segments_are_counted_and_the_limit_holds(twilio: Twilio, tmp_path: Path) -> None:
    async with sms(twilio, tmp_path, monthly_limit=5) as (channel, gateway):
        await channel.send(said("あ" * 71), "key-1")
        assert channel.month == (2, 5)
        twilio.mode = "vanishes"
        with pytest.raises(InDoubt):
            await channel.send(said("hello"), "key-2")
        assert channel.month == (3, 5), "what is in doubt may be charged"
        twilio.mode = ""
        with pytest.raises(Rejected) as raised:
            await channel.send(said("a" * 320), "key-3")
        assert raised.value.reason == "window"
        assert len(twilio.sent) == 2
    async with sms(twilio, tmp_path, gateway, monthly_limit=5) as (channel, _):
        assert channel.month == (3, 5), "the count goes on after a restart"


async def test_messages_at_the_same_moment_share_what_is_left(
    twilio: Twilio, tmp_path: Path
) -> None:
    async with sms(twilio, tmp_path, monthly_limit=3) as (channel, _):
        sending = (channel.send(said("hello"), f"key-{n}") for n in range(8))
        ends = await asyncio.gather(*sending, return_exceptions=True)
        assert channel.month == (3, 3)
    assert [type(end) for end in ends if not isinstance(end, Sent)] == [Rejected] * 5
    assert len(twilio.sent) == 3


async def test_a_new_month_begins_at_nothing() -> None:
    days = iter([datetime(2026, 11, 30, 23, 59, tzinfo=UTC)] * 3)
    later = datetime(2026, 12, 1, tzinfo=UTC)
    past = NoPast()
    meter = Meter(10, past, lambda: next(days, later))
    await meter.count(9)
    assert meter.used == 9
    assert meter.used == 0
    meter.ask(10)
    fresh = Meter(10, past, lambda: later)
    await fresh.load()
    assert fresh.used == 0


async def test_a_note_that_cannot_be_kept_does_not_unsend(twilio: Twilio, tmp_path: Path) -> None:
    class Forgetful(Gateway):
        async def note(self, name: str, value: str) -> None:
            raise OSError(name, value)

    async with sms(twilio, tmp_path, Forgetful()) as (channel, _):
        await channel.send(said(), "key-1")
        assert channel.month == (1, 0)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 7, 2),
        ("あ" * 70, 1),
        ("あ" * 71, 2),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
        ("あ" * 66 + "🙂" + "あ" * 66, 3),
        ("naïve", 1),
        ("a" * 69 + "ï" * 2, 2),
    ],
)
def test_segments_are_counted_as_they_are_charged(text: str, count: int) -> None:
    assert segments(text) == count


async def test_a_picture_of_16_mb_is_a_file(twilio: Twilio, tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    twilio.media[SOURCE] = Says(200, b"\xff\xd8" + b"x" * (16 * 2**20 - 2))
    async with sms(twilio, tmp_path) as (channel, _):
        found = await channel.fetch(SOURCE)
        assert isinstance(found, Spooled)
        assert (found.size, _size(found.path)) == (16 * 2**20, 16 * 2**20)
        twilio.media[SOURCE] = Says(200, b"small")
        assert await channel.fetch(SOURCE) == b"small"
        twilio.media[SOURCE] = Says(200, b"x" * (16 * 2**20 + 1))
        with pytest.raises(Rejected):
            await channel.fetch(SOURCE)
        assert [one.name for one in (tmp_path / "spool").iterdir()] == [Path(found.path).name]


async def test_our_password_stays_with_twilio(twilio: Twilio, tmp_path: Path) -> None:
    """A file is kept elsewhere; we are sent there without our password."""

    class Elsewhere(Double):
        def answer(self, asked: Asked) -> Says:
            return Says(200, b"a picture" if "authorization" not in asked.headers else b"leaked")

    async with opened(Elsewhere()) as other, sms(twilio, tmp_path) as (channel, _):
        twilio.media[SOURCE] = Says(307, b"", (f"Location: {other.url}/picture.jpg",))
        assert await channel.fetch(SOURCE) == b"a picture"


@pytest.mark.parametrize(
    ("says", "kind"), [(404, Rejected), (410, Rejected), (401, ChannelDown), (503, Retry)]
)
async def test_a_file_that_is_not_there_is_told(
    twilio: Twilio, tmp_path: Path, says: int, kind: type[DeliveryError]
) -> None:
    twilio.media[SOURCE] = Says(says)
    async with sms(twilio, tmp_path) as (channel, _):
        with pytest.raises(kind):
            await channel.fetch(SOURCE)


async def test_only_files_of_our_account_are_asked_for(twilio: Twilio, tmp_path: Path) -> None:
    async with sms(twilio, tmp_path) as (channel, _):
        before = len(twilio.asked)
        for source in ("", "../Keys", "https://evil.example/", f"{SOURCE}/../..", f"{SOURCE}\n"):
            with pytest.raises(Rejected):
                await channel.fetch(source)
        assert len(twilio.asked) - before <= 1, "the look at the account, and nothing else"


async def test_check_tells_what_is_wrong(twilio: Twilio, tmp_path: Path) -> None:
    async def check(**more: Any) -> str:
        async with sms(twilio, tmp_path, **more) as (channel, _):
            try:
                return await channel.check()
            except ChannelDown as error:
                return f"wrong: {error}"

    assert "brings its messages to us" in await check()
    twilio.webhook += "#rc=3&rp=5xx,ct,rt"
    assert "brings its messages to us" in await check()
    twilio.app = "AP" + "1" * 32  # then Twilio goes by the app's addresses, and not by these
    assert "a TwiML App takes its messages" in await check()
    twilio.app = ""
    twilio.method = "GET"
    assert "HTTP POST" in await check()
    twilio.webhook = "https://old.example/sms"
    assert "enter https://help.example.com/in/sms" in await check()
    assert "not one of its numbers" in await check(sender="+815000000000")
    assert "incoming messages go to" in await check(sender=SERVICE)
    twilio.status = "suspended"
    assert "suspended" in await check()
    twilio.mode = "locked"
    assert "401" in await check()
    assert twilio.sent == []


async def test_a_refused_token_is_trouble_until_it_works(twilio: Twilio, tmp_path: Path) -> None:
    twilio.mode = "locked"
    async with sms(twilio, tmp_path) as (channel, _):
        await until(lambda: "auth_token" in channel.trouble)
        twilio.mode = ""
        await channel.send(said(), "key-1")
        assert channel.trouble == ""
        assert channel.heard_at
        assert channel.silent_after >= timedelta(hours=1)
