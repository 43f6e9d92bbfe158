"""Text messages that Twilio could not bring are found in its list, each once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import ChannelDown, Host, Unavailable
from channels.sms import Sms
from normalizer import normalize
from tests.channels.api_double import Says
from tests.channels.hooked import running
from tests.channels.line_channel import Gateway, until
from tests.channels.twilio_double import Twilio, incoming, request, sid, sms_settings

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SERVICE = "MG" + "0b" * 16


@asynccontextmanager
async def sms(
    twilio: Twilio, folder: Path, gateway: Gateway, at: datetime = NOON, **more: Any
) -> AsyncIterator[Sms]:
    """The channel once it has looked."""

    def make(host: Host) -> Sms:
        return Sms(sms_settings(twilio, **more), host, clock=lambda: at)

    async with running(make, folder, gateway) as (channel, _):
        await until(lambda: gateway._notes.get("looked") == at.isoformat())
        yield channel


async def test_what_came_while_we_were_away_is_taken_in_once(
    twilio: Twilio, tmp_path: Path
) -> None:
    gateway = Gateway()
    twilio.keep(1, "before our time", NOON - timedelta(minutes=5))
    async with sms(twilio, tmp_path, gateway) as channel:
        assert gateway.taken == [], "what was there before us stays there"
        brought = incoming("by the webhook", 2)
        assert (await channel.answer(request(brought))).status == 200
    twilio.keep(2, "by the webhook", NOON + timedelta(minutes=1))
    for n in range(3, 6):
        twilio.keep(n, f"missed {n} 🙂", NOON + timedelta(hours=n))
    twilio.keep(6, "ours", NOON, direction="outbound-api")
    twilio.keep(7, "to another number", NOON, to="+815000000000")
    async with sms(twilio, tmp_path, gateway, NOON + timedelta(days=1)) as channel:
        units = [one.unit for one in gateway.taken]
        assert units == [sid(n) for n in (2, 2, 3, 4, 5)], "the ledger knows what comes again"
        last = gateway.taken[-1]
        assert last.received_at == NOON + timedelta(hours=5)
        (found,) = normalize(last)
        assert (found.text, found.claims[0].identity.address) == ("missed 5 🙂", "+819012345678")
        assert await channel.listing() == {sid(n) for n in range(2, 6)}
    async with sms(twilio, tmp_path, gateway, NOON + timedelta(days=2)):
        assert len(gateway.taken) == 5


async def test_what_was_sent_in_the_second_of_our_first_look_is_ours(
    twilio: Twilio, tmp_path: Path
) -> None:
    """Twilio tells whole seconds: 12:00:00.9 is listed as 12:00:00."""
    gateway = Gateway()
    async with sms(twilio, tmp_path, gateway, NOON + timedelta(milliseconds=600)):
        twilio.keep(1, "in the same second", NOON + timedelta(milliseconds=900))
    async with sms(twilio, tmp_path, gateway, NOON + timedelta(hours=1)) as channel:
        assert [one.unit for one in gateway.taken] == [sid(1)]
        assert await channel.listing() == {sid(1)}


async def test_what_was_sent_while_our_clock_is_ahead_is_ours(
    twilio: Twilio, tmp_path: Path
) -> None:
    """The list tells Twilio's time, so it is Twilio's time from which we count."""
    gateway = Gateway()
    twilio.now = NOON
    async with sms(twilio, tmp_path, gateway, NOON + timedelta(minutes=2)):
        twilio.keep(1, "ten seconds after our first look", NOON + timedelta(seconds=10))
    async with sms(twilio, tmp_path, gateway, NOON + timedelta(hours=1)):
        assert [one.unit for one in gateway.taken] == [sid(1)]


async def test_a_first_look_that_is_cut_off_stays_the_first(twilio: Twilio, tmp_path: Path) -> None:
    gateway = Gateway()
    await gateway.note("since", NOON.isoformat())  # and then the power went
    twilio.keep(1, "an hour later", NOON + timedelta(hours=1))
    async with sms(twilio, tmp_path, gateway, NOON + timedelta(hours=2)):
        assert [one.unit for one in gateway.taken] == [sid(1)]


async def test_nothing_is_lost_in_a_long_list_and_old_pages_are_left_alone(
    twilio: Twilio, tmp_path: Path
) -> None:
    """The double gives two messages a page."""
    gateway = Gateway()
    for n in range(300):
        twilio.keep(n, "this morning", NOON - timedelta(hours=2))
    async with sms(twilio, tmp_path, gateway):
        pass
    for n in range(300, 450):
        twilio.keep(n, "missed", NOON + timedelta(seconds=n))
    async with sms(twilio, tmp_path, gateway, NOON + timedelta(hours=1)):
        assert [one.unit for one in gateway.taken] == [sid(n) for n in range(300, 450)]
    pages = [one for one in twilio.asked if one.path.endswith("/Messages.json")]
    assert len(pages) < 80, "what lies before our last look is not read again"


async def test_a_picture_that_is_gone_keeps_no_other_message_waiting(
    twilio: Twilio, tmp_path: Path
) -> None:
    gateway = Gateway()
    async with sms(twilio, tmp_path, gateway):
        pass
    twilio.keep(1, "look at this", NOON + timedelta(minutes=1), num_media="1")  # deleted since
    twilio.keep(2, "hello?", NOON + timedelta(minutes=2))
    async with sms(twilio, tmp_path, gateway, NOON + timedelta(hours=1)):
        found = [normalize(one)[0] for one in gateway.taken]
    assert [(one.text, len(one.parts)) for one in found] == [("look at this", 0), ("hello?", 0)]


async def test_pictures_that_were_missed_are_fetched_later(twilio: Twilio, tmp_path: Path) -> None:
    gateway = Gateway()
    async with sms(twilio, tmp_path, gateway):
        pass
    media = [{"sid": "ME" + "0c" * 16, "content_type": "image/jpeg"}]
    twilio.keep(1, "", NOON, num_media="1", messaging_service_sid=SERVICE, to="+815011111111")
    twilio.media[f"{sid(1)}/Media.json"] = Says(200, {"media_list": media})
    later = NOON + timedelta(hours=1)
    async with sms(twilio, tmp_path, gateway, later, sender=SERVICE):
        (found,) = normalize(gateway.taken[0])
        (part,) = found.parts
        assert (part.content_type, part.source) == ("image/jpeg", f"{sid(1)}/Media/ME{'0c' * 16}")


async def test_a_look_that_fails_begins_again_where_it_was(twilio: Twilio, tmp_path: Path) -> None:
    gateway = Gateway()
    async with sms(twilio, tmp_path, gateway):
        pass
    twilio.keep(1, "missed", NOON + timedelta(minutes=5))
    gateway.down = 1

    async def taken(raw: bytes, unit: str, at: datetime) -> None:
        raise Unavailable

    channel = Sms(sms_settings(twilio), Host("x", tmp_path, past=lambda _: gateway))
    with pytest.raises(Unavailable):
        await channel._missed.look(taken)
    assert gateway._notes["looked"] == NOON.isoformat()
    twilio.mode = "locked"
    with pytest.raises(ChannelDown):
        await channel.listing()
    await channel.close()


async def test_a_source_that_we_never_looked_at_holds_nothing_of_ours(
    twilio: Twilio, tmp_path: Path
) -> None:
    channel = Sms(sms_settings(twilio), Host("x", tmp_path))
    twilio.keep(1, "before our time", NOON)
    assert await channel.listing() == frozenset()
    await channel.close()
