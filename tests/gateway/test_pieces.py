"""A text that goes in several deliveries: in its order, each once, and one message all the same."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

from channels.base import ChannelDown, InDoubt, Rejected, Retry, Sent
from channels.limits import Limits
from normalizer.message import Message
from tests.making import Desk, Wire, mail, until

LIMITS = Limits(text=20, in_order=True)


class Keys(Wire):
    """A wire that keeps the keys."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    async def send(self, message: Message, key: str) -> Sent:
        self.keys.append(key)
        return await super().send(message, key)


async def a_reply(desk: Desk, text: str, *, automatic: bool = False) -> int:
    """One message of ours in a case, and nothing else to deliver."""
    receipt = await desk.accept(mail(vouched="example.jp"))
    await desk.change("UPDATE outbox SET automatic = :a, state = 'queued'", a=automatic)
    await desk.change(
        "UPDATE messages SET text = :t, kind = 'reply' WHERE direction = 'out'", t=text
    )
    return receipt.message


async def deliver(desk: Desk, wire: Wire, turns: int = 8) -> None:
    """So many turns of the loop for what is due."""
    by = desk.deliver(channels={"mail": wire}, limits={"mail": LIMITS})
    sending: set[Any] = set()
    settled: list[Any] = []
    for _ in range(turns):
        await by._claim("mail", sending, settled)
        if sending:
            settled += [await one for one in list(sending)]
            sending.clear()
    await by._claim("mail", sending, settled)


async def pieces(desk: Desk) -> list[tuple[int, str]]:
    found = await desk.rows("SELECT piece, state FROM outbox ORDER BY piece = 0, piece")
    return [(row["piece"], row["state"]) for row in found]


async def status(desk: Desk) -> str:
    row = await desk.one("SELECT status FROM v_messages WHERE direction = 'out'")
    return str(row["status"])


async def test_each_piece_is_a_row_and_they_go_in_order(desk: Desk) -> None:
    await a_reply(desk, "The first sentence. The second one. And the third.")
    wire = Keys()
    await deliver(desk, wire)
    assert [one.text for one in wire.sent] == [
        "The first sentence.", "The second one.", "And the third.",
    ]  # fmt: skip
    assert await pieces(desk) == [(1, "sent"), (2, "sent"), (0, "sent")]
    assert len(set(wire.keys)) == 3
    assert await status(desk) == "sent"
    ids = await desk.rows("SELECT peer_id FROM outbox")
    assert len({row["peer_id"] for row in ids}) == 3, "each can be answered by its own id"


async def test_no_piece_before_the_one_before(desk: Desk) -> None:
    await a_reply(desk, "The first sentence. The second one.")
    wire = Wire()
    wire.answers = [Retry("busy", timedelta(minutes=1)), ChannelDown("no route")]
    await deliver(desk, wire)
    assert wire.sent == []
    assert await pieces(desk) == [(1, "deferred"), (0, "queued")]
    assert await status(desk) == "queued"
    for _ in range(2):
        desk.clock.advance(hours=1)
        await deliver(desk, wire)
    assert [one.text for one in wire.sent] == ["The first sentence.", "The second one."]


async def test_what_was_said_earlier_goes_first(desk: Desk) -> None:
    await a_reply(desk, "The first sentence.")
    await desk.accept(mail(subject="Another", vouched="example.jp"))
    wire = Wire()
    wire.answers = [Retry("busy", timedelta(minutes=1))]
    await deliver(desk, wire)
    assert wire.sent == [], "the other waits for the one that was put off"
    desk.clock.advance(minutes=2)
    await deliver(desk, wire)
    assert wire.sent[0].text == "The first sentence."
    assert len(wire.sent) > 1


async def test_doubt_about_one_piece_doubles_no_other(desk: Desk) -> None:
    await a_reply(desk, "The first sentence. The second one. And the third.", automatic=True)
    wire = Keys()
    wire.answers = [InDoubt("broke")]
    await deliver(desk, wire)
    assert [one.text for one in wire.sent] == ["The second one.", "And the third."]
    assert await pieces(desk) == [(1, "in_doubt"), (2, "sent"), (0, "sent")]
    await desk.change("UPDATE outbox SET automatic = 0, state = 'queued' WHERE piece = 1")
    await deliver(desk, wire)
    assert [one.text for one in wire.sent][2:] == ["The first sentence."]
    assert wire.keys[0] == wire.keys[-1], "a second try is known by its key"


async def test_a_piece_that_is_refused_ends_the_message(desk: Desk) -> None:
    await a_reply(desk, "The first sentence. The second one. And the third.")
    wire = Wire()
    wire.answers = [Rejected("no")]
    await deliver(desk, wire)
    assert wire.sent == []
    assert await pieces(desk) == [(1, "failed"), (2, "failed"), (0, "failed")]
    assert await status(desk) == "failed"


async def test_it_is_one_message_for_budgets(desk: Desk) -> None:
    await a_reply(desk, "One more sentence. " * 6, automatic=True)
    await deliver(desk, Wire())
    assert await desk.count("outbox") == 6
    second = await desk.accept(mail(subject="Another", vouched="example.jp"))
    assert (await desk.decision(second.message))["outcome"] == "sent"


async def test_a_crash_between_two_pieces_leaves_the_others_as_they_were(desk: Desk) -> None:
    await a_reply(desk, "The first sentence. The second one. And the third.")
    taken = await desk.store.settle_and_claim(
        [], "mail", desk.clock, "dead", timedelta(minutes=5), 5,
        render=lambda m: tuple(Message(text=t, message_id=m.message_id) for t in "abc"),
        in_order=True,
    )  # fmt: skip
    assert [one.content.text for one in taken] == ["a"]
    await desk.store.recover(desk.clock(), "dead")
    wire = Wire()
    await deliver(desk, wire)
    assert [one.text for one in wire.sent] == [
        "The first sentence.", "The second one.", "And the third.",
    ]  # fmt: skip


async def test_a_loop_delivers_piece_after_piece(desk: Desk) -> None:
    await a_reply(desk, "The first sentence. The second one. And the third.")
    by = desk.deliver(limits={"mail": LIMITS})
    task = asyncio.create_task(by.run("mail"))

    async def all_sent() -> bool:
        return len(desk.wire.sent) == 3

    await until(all_sent)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
