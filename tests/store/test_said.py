"""What was said with one identity on one channel, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from normalizer.message import Identity
from store.said import MOST, Inbox
from store.store import Store
from tests.store.house import NOON, arrival, ask

YUKI = Identity("email", "yuki@example.jp")
LEASE = timedelta(minutes=5)
LATEST = "SELECT message_id FROM messages WHERE direction = 'in' ORDER BY id DESC LIMIT 1"


async def hand_over(store: Store) -> None:
    """The rules of these tests name nobody; those of the gateway do."""
    whose = "(SELECT id FROM identities i WHERE i.customer_id = messages.customer_id)"
    await change(store, f"UPDATE messages SET identity_id = {whose} WHERE direction = 'out'")
    await store.settle_and_claim([], "mail", lambda: NOON, "we", LEASE, 20)


async def change(store: Store, statement: str) -> None:
    await store.write(lambda connection, _: connection.execute(text(statement)))


async def said(store: Store, who: Identity = YUKI, channel: str = "mail") -> list[tuple[bool, str]]:
    return [(one.ours, one.message_id) for one in await Inbox(store, channel).said(who)]


async def test_both_sides_are_told_in_their_order_once_ours_is_handed_over(store: Store) -> None:
    await store.commit_inbound(arrival("one", YUKI.address))
    before = await said(store)
    await hand_over(store)
    told = await Inbox(store, "mail").said(YUKI)
    assert [ours for ours, _ in before] == [False]
    assert [one.ours for one in told] == [False, True]
    assert told[0].reference == told[1].reference != ""
    assert told[1].kind == "acknowledgement"


async def test_nobody_elses_words_are_told_and_no_other_channels(store: Store) -> None:
    """Also where two identities are one customer's."""
    await store.commit_inbound(arrival("one", YUKI.address))
    await store.commit_inbound(arrival("two", "hana@example.jp"))
    await hand_over(store)
    customer = "(SELECT customer_id FROM identities WHERE address = 'email:yuki@example.jp')"
    here = f"(SELECT id FROM conversations WHERE customer_id = {customer})"
    await change(store, f"UPDATE messages SET conversation_id = {here}")
    await change(store, f"UPDATE identities SET customer_id = {customer}")
    assert len(await said(store)) == 2
    assert len(await said(store, Identity("email", "hana@example.jp"))) == 2
    assert await said(store) != await said(store, Identity("email", "hana@example.jp"))
    assert await said(store, Identity("email", "kenji@example.jp")) == []
    assert await said(store, channel="web") == []


async def test_the_latest_are_told_of_very_many(store: Store) -> None:
    for number in range(MOST + 5):
        await store.commit_inbound(arrival(f"mail {number}", YUKI.address))
    told = await said(store)
    assert len(told) == MOST
    assert await ask(store, LATEST) == [(told[-1][1],)]


async def test_bytes_that_are_not_there_are_none(store: Store) -> None:
    assert await Inbox(store, "mail").octets("0" * 64) is None
