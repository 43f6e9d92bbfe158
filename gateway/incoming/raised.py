"""Pure: what an arrival alone makes worth a person's look."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.alarm import Alarm
from gateway.outgoing.acknowledge import ALARMS, Decision
from normalizer.message import Message
from store.known import Arrival, Known


def by_arrival(
    known: Known, arrival: Arrival, message: Message, decision: Decision
) -> Iterator[Alarm]:
    """A silence that somebody should know of, and a message that nobody could read so far."""
    about = {"channel": arrival.channel}
    if kind := ALARMS.get(decision.reason):
        yield Alarm(kind, decision.reason, arrival.at, about)
    before = known.rereading.get(arrival.rereads or 0)
    if message.unreadable and not (before and before.status == "quarantined"):
        said = "a message could not be read; it waits in quarantine, in a case of its own"
        yield Alarm("message.quarantined", said, arrival.at, about)


def by_answer(arrival: Arrival, message: Message) -> Iterator[Alarm]:
    """A letter to the admin came back: whoever reads the log should know."""
    if message.bounce and not arrival.canary and message.bounce.action == "failed":
        said = f"a mail to the admin came back: {message.bounce.status or 'no status'}"
        yield Alarm("alarms.undelivered", said, arrival.at, {"channel": arrival.channel})
