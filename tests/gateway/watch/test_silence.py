"""A channel that fetches and hears nothing is noticed: in a metric, in /readyz, by an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from channels.base import DeliveryError, Sent
from gateway.alarm import Alarms
from gateway.metrics import Metrics
from gateway.watch.silence import Watch, standing
from normalizer.message import Message
from tests.making import NOON, Clock, Desk, Wire

MINUTE = timedelta(minutes=1)


@dataclass
class Mailbox:
    """A channel that fetches, as far as anybody watches it."""

    name: str = "mailbox"
    ready: bool = False
    heard_at: datetime | None = None
    silent_after: timedelta = 3 * MINUTE
    trouble: str = ""

    async def receive(self, accept: Any) -> None:
        raise DeliveryError("nothing is received here")

    async def send(self, message: Message, key: str) -> Sent:
        raise DeliveryError("nothing is sent here")


@pytest.mark.parametrize(
    ("heard", "trouble", "after", "state"),
    [
        (None, "", 3, "starting"),
        (None, "", 4, "silent"),
        (0, "", 3, "well"),
        (0, "", 4, "silent"),
        (4, "the log-in is refused", 4, "trouble"),
        (None, "the log-in is refused", 0, "trouble"),
    ],
)
def test_how_a_channel_stands(heard: int | None, trouble: str, after: int, state: str) -> None:
    at = None if heard is None else NOON + heard * MINUTE
    channel = Mailbox(heard_at=at, trouble=trouble)
    assert standing(channel, NOON + after * MINUTE, NOON).state == state


def watching(*channels: Mailbox | Wire) -> tuple[Watch, Clock, Alarms]:
    clock, alarms = Clock(), Alarms()
    return Watch({c.name: c for c in channels}, alarms, clock, NOON), clock, alarms


async def told(desk: Desk, alarms: Alarms) -> list[tuple[str, str]]:
    await alarms.tell(desk.store, Metrics())
    found = await desk.rows(
        "SELECT type, json_extract(data, '$.kind') AS kind FROM events ORDER BY cursor"
    )
    return [(row["type"], row["kind"]) for row in found]


async def test_an_alarm_is_raised_once_and_cleared_when_the_channel_is_well(desk: Desk) -> None:
    mailbox = Mailbox(heard_at=NOON)
    watch, clock, alarms = watching(mailbox)
    for _ in range(9):
        clock.advance(minutes=1)
        watch.look()
    silent = ("alarm.raised", "channel.silent")
    assert await told(desk, alarms) == [silent]
    mailbox.heard_at = clock()
    watch.look()
    watch.look()
    assert await told(desk, alarms) == [silent, ("alarm.cleared", "channel.silent")]
    mailbox.trouble = "the log-in is refused"
    watch.look()
    assert (await told(desk, alarms))[2:] == [("alarm.raised", "channel.trouble")]


async def test_two_channels_have_each_an_alarm_of_their_own(desk: Desk) -> None:
    watch, _, alarms = watching(Mailbox("a", trouble="x"), Mailbox("b", trouble="y"))
    watch.look()
    assert len(await told(desk, alarms)) == 2


def test_ready_waits_for_the_first_contact_but_not_for_ever() -> None:
    mailbox, listener = Mailbox(), Wire("smtp")
    watch, clock, _ = watching(mailbox, listener)
    assert (watch.missing(), watch.bad()) == (["mailbox"], [])
    clock.advance(minutes=4)
    assert (watch.missing(), watch.bad()) == ([], ["mailbox: silent"])
    listener.ready = False
    assert watch.missing() == ["smtp"]


def test_a_mailbox_that_falls_silent_takes_nobody_down_with_it() -> None:
    watch, clock, _ = watching(Mailbox(heard_at=NOON))
    assert (watch.missing(), watch.bad()) == ([], [])
    clock.advance(minutes=10)
    assert (watch.missing(), watch.bad()) == ([], ["mailbox: silent"])


def test_the_metrics_tell_the_age_and_the_trouble() -> None:
    mailbox = Mailbox(heard_at=NOON)
    watch, clock, _ = watching(mailbox, Mailbox("other"), Wire("smtp"))
    metrics = Metrics()
    watch.show(metrics)
    clock.advance(minutes=1)
    mailbox.trouble = "the log-in is refused"

    def value(name: str, channel: str) -> float | None:
        return metrics.registry.get_sample_value(f"madoguchi_channel_{name}", {"channel": channel})

    assert (value("heard_seconds", "mailbox"), value("trouble", "mailbox")) == (60.0, 1.0)
    assert (value("heard_seconds", "other"), value("trouble", "other")) == (60.0, 0.0)
    assert value("trouble", "smtp") is None
