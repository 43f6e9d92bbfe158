"""A report that comes at once waits until the store knows what it is about."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from channels.base import Host, Unavailable
from channels.settling import Settling
from channels.sms import Sms
from channels.whatsapp import WhatsApp
from normalizer.message import Address, Message
from tests.channels import graph_double, twilio_double
from tests.channels.graph_double import Graph
from tests.channels.hooked import running
from tests.channels.line_channel import until
from tests.channels.twilio_double import Twilio

_FIRST = f"wamid.{1:032X}"  # what the double calls its first message


class Sleeper:
    """Notes what it is asked to wait, and moves the clock."""

    def __init__(self) -> None:
        self.now, self.asked = 100.0, list[float]()

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.now += seconds

    def settling(self) -> Settling:
        return Settling(self, lambda: self.now)


async def test_only_what_was_sent_a_moment_ago_is_waited_for() -> None:
    sleeper = Sleeper()
    settling = sleeper.settling()
    settling.sent("a")
    await settling.settled("another")
    sleeper.now += 0.5
    await settling.settled("a")
    await settling.settled("a")
    assert sleeper.asked == [1.5]


async def test_what_is_remembered_is_bounded() -> None:
    sleeper = Sleeper()
    settling = sleeper.settling()
    for number in range(1001):
        settling.sent(str(number))
    await settling.settled("0")
    assert sleeper.asked == []


@pytest.mark.parametrize("kind", ["sms", "whatsapp"])
async def test_a_report_about_a_new_message_waits(
    kind: str, twilio: Twilio, graph: Graph, tmp_path: Path
) -> None:
    sleeper = Sleeper()

    def make(host: Host) -> Sms | WhatsApp:
        if kind == "sms":
            return Sms(twilio_double.sms_settings(twilio), host, settling=sleeper.settling())
        return WhatsApp(graph_double.whatsapp_settings(graph), host, settling=sleeper.settling())

    async with running(make, tmp_path) as (channel, gateway):
        if kind == "whatsapp":
            said = graph_double.body(graph_double.message(1))
            await channel.answer(graph_double.request(said))
        to = twilio_double.YUKI if kind == "sms" else graph_double.YUKI
        sent = await channel.send(
            Message(kind="reply", to=(Address("", to),), text="We have it."), "key-1"
        )
        id_ = sent.peer_id.partition(":")[2]
        fields = twilio_double.status("delivered") | {"MessageSid": id_}
        report = graph_double.body(statuses=[graph_double.status("delivered", id_)])
        asked = twilio_double.request(fields) if kind == "sms" else graph_double.request(report)
        assert (await channel.answer(asked)).status == 200
        assert sleeper.asked == [2.0]
        assert gateway.taken[-1].unit == f"{id_}:delivered"


@pytest.mark.parametrize("kind", ["sms", "whatsapp"])
async def test_a_report_that_overtakes_the_platform_s_own_answer_waits_for_it(
    kind: str, twilio: Twilio, graph: Graph, tmp_path: Path
) -> None:
    """A platform may tell that it failed before it has told us what it calls the message."""
    double: Twilio | Graph = twilio if kind == "sms" else graph

    def make(host: Host) -> Sms | WhatsApp:
        if kind == "sms":
            return Sms(twilio_double.sms_settings(twilio), host, settling=Sleeper().settling())
        settings = graph_double.whatsapp_settings(graph)
        return WhatsApp(settings, host, settling=Sleeper().settling())

    async with running(make, tmp_path) as (channel, gateway):
        if kind == "whatsapp":
            await channel.answer(graph_double.request(graph_double.body(graph_double.message(1))))
        double.told.clear()
        to = twilio_double.YUKI if kind == "sms" else graph_double.YUKI
        said = Message(kind="reply", to=(Address("", to),), text="We have it.")
        sending = asyncio.create_task(channel.send(said, "key-1"))
        await until(lambda: bool(double.sent))
        id_ = double.sent[0]["sid"] if kind == "sms" else _FIRST
        fields = twilio_double.status("failed") | {"MessageSid": id_}
        report = graph_double.body(statuses=[graph_double.status("failed", id_)])
        asked = twilio_double.request(fields) if kind == "sms" else graph_double.request(report)
        reporting = asyncio.create_task(channel.answer(asked))
        await asyncio.wait([reporting], timeout=0.1)
        assert f"{id_}:failed" not in {one.unit for one in gateway.taken}
        double.told.set()
        assert (await sending).peer_id.endswith(id_)
        assert (await reporting).status == 200
        assert gateway.taken[-1].unit == f"{id_}:failed"


async def test_a_report_waits_no_longer_than_its_platform_does() -> None:
    settling = Settling(longest=0.01)
    with settling.going():
        with pytest.raises(Unavailable):
            await settling.settled("unknown")
        settling.sent("known")
    await settling.settled("unknown")


async def test_one_that_is_known_meanwhile_waits_for_no_other() -> None:
    settling = Sleeper().settling()
    with settling.going():
        with settling.going():
            waiting = asyncio.create_task(settling.settled("a"))
            await asyncio.sleep(0)
            settling.sent("a")
        await waiting
