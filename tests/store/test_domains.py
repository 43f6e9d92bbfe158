"""Mail for a domain that puts us off waits together, and nobody else does."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from store.store import Store
from tests.store.house import NOON, arrival, ask
from tests.store.test_outbox import LEASE, claimed, queued, settlement

SOON, LATE = NOON + timedelta(minutes=2), NOON + timedelta(minutes=30)


async def write(store: Store, name: str, address: str) -> None:
    """Somebody writes, and an acknowledgement is queued."""
    await store.commit_inbound(arrival(name, address))


async def put_off(store: Store) -> None:
    """One mail to slow.jp is put off until late, and its domain for a while."""
    (tried,) = await claimed(store, 1)
    ends = [settlement(tried, "deferred", error="later", retry_at=LATE, domain_until=SOON)]
    await store.settle_and_claim(ends, "mail", lambda: NOON, "we", LEASE, 0)


async def takes(store: Store, minutes: int) -> list[str]:
    taken = await claimed(store, now=NOON + timedelta(minutes=minutes))
    return sorted(delivery.content.to[0].address for delivery in taken)


async def test_others_for_the_domain_wait_also_those_that_come_later(store: Store) -> None:
    await write(store, "first", "a@slow.jp")
    await write(store, "second", "b@slow.jp")
    await put_off(store)
    await write(store, "third", "c@slow.jp")
    await write(store, "other", "d@fast.jp")
    assert await takes(store, 0) == ["d@fast.jp"]
    assert await takes(store, 1) == []
    assert await takes(store, 2) == ["b@slow.jp", "c@slow.jp"]
    assert await takes(store, 29) == []
    assert await takes(store, 30) == ["a@slow.jp"]


async def test_another_channel_does_not_wait(store: Store) -> None:
    await write(store, "first", "a@slow.jp")
    await put_off(store)
    await write(store, "second", "b@slow.jp")
    await store.write(
        lambda c, _: c.execute(text("UPDATE outbox SET channel = 'x' WHERE state = 'queued'"))
    )
    taken = await store.settle_and_claim([], "x", lambda: NOON, "we", LEASE, 9)
    assert len(taken) == 1


async def test_once_it_is_tried_again_it_holds_nobody(store: Store) -> None:
    await write(store, "first", "a@slow.jp")
    await put_off(store)
    (again,) = await claimed(store, now=LATE)
    ends = [settlement(again, "sent", peer_id="queued")]
    await store.settle_and_claim(ends, "mail", lambda: NOON, "we", LEASE, 0)
    assert await ask(store, "SELECT domain_until FROM outbox") == [(None,)]
    await write(store, "second", "b@slow.jp")
    assert await takes(store, 0) == ["b@slow.jp"]


async def test_mail_without_a_domain_holds_up_nothing(store: Store) -> None:
    await write(store, "first", "a@slow.jp")
    await write(store, "second", "b@slow.jp")
    await store.write(lambda c, _: c.execute(text("UPDATE outbox SET domain = ''")))
    await put_off(store)
    assert await takes(store, 0) == ["b@slow.jp"]


async def test_a_thousand_that_wait_cost_a_claim_nothing(store: Store) -> None:
    """They get a later hour at once, so that no claim has to pass over them."""
    await queued(store, 40)
    await store.write(lambda c, _: c.execute(text("UPDATE outbox SET domain = 'slow.jp'")))
    await put_off(store)
    due = f"SELECT count(*) FROM v_outbox WHERE due_at <= '{NOON:%Y-%m-%dT%H:%M:%S.%f}Z'"
    assert await ask(store, f"{due} AND state = 'queued'") == [(0,)]
