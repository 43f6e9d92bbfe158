"""Pieces and messages that went astray, on both databases."""

from __future__ import annotations

from datetime import timedelta

from normalizer.message import Message
from store import astray
from store.outbox import Delivery
from store.store import Store
from tests.store.house import NOON, arrival, ask
from tests.store.test_outbox import LEASE, settlement

PATIENCE = timedelta(hours=1)


def three(message: Message) -> tuple[Message, ...]:
    return tuple(Message(text=text, message_id=message.message_id) for text in "abc")


async def next_(store: Store, *settled: Delivery) -> list[Delivery]:
    ended = [settlement(one, "sent", peer_id=f"p-{one.id}") for one in settled]
    return await store.settle_and_claim(
        ended, "mail", lambda: NOON, "we", LEASE, 20, render=three, in_order=True
    )


async def test_pieces_go_one_after_the_other(store: Store) -> None:
    await store.commit_inbound(arrival("one"))
    taken: list[Delivery] = []
    for piece, text in enumerate("abc", 1):
        taken = await next_(store, *taken)
        assert [(one.content.text, one.piece) for one in taken] == [(text, piece % 3)]
    assert await next_(store, *taken) == []
    assert await ask(store, "SELECT status, count(*) FROM v_messages WHERE direction = 'out'"
                     " GROUP BY status") == [("sent", 1)]  # fmt: skip


async def test_what_went_astray_waits_until_it_is_decided(store: Store) -> None:
    await store.commit_inbound(arrival("one"))
    (first,) = await next_(store)
    lost = settlement(first, "failed", astray="window")
    await store.settle_and_claim([lost], "mail", lambda: NOON, "we", LEASE, 0)
    assert await store.read(lambda c: astray.wait(c, NOON, PATIENCE))

    def turn(connection: object, _: object) -> list[astray.Lost]:
        found = astray.lost(connection, NOON, PATIENCE)  # type: ignore[arg-type]  # the writer's
        astray.decided(connection, [one.delivery for one in found])  # type: ignore[arg-type]
        return found

    (found,) = await store.change(turn)
    assert (found.why, found.message.kind) == ("window", "acknowledgement")
    assert await store.read(lambda c: astray.tried(c, found.message)) == {
        found.message.identity_id or 0
    }
    assert not await store.read(lambda c: astray.wait(c, NOON, PATIENCE))


async def test_one_in_doubt_never_went_astray(store: Store) -> None:
    await store.commit_inbound(arrival("one"))
    (first,) = await next_(store)
    lost = settlement(first, "failed", astray="window", doubted=True)
    await store.settle_and_claim([lost], "mail", lambda: NOON, "we", LEASE, 0)
    assert not await store.read(lambda c: astray.wait(c, NOON, PATIENCE))
