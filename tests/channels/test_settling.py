"""A report that comes at once waits until the store knows what it is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.base import Host
from channels.settling import Settling
from channels.sms import Sms
from channels.whatsapp import WhatsApp
from normalizer.message import Address, Message
from tests.channels import graph_double, twilio_double
from tests.channels.graph_double import Graph
from tests.channels.hooked import running
from tests.channels.twilio_double import Twilio


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
