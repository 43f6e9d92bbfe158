"""What is to be delivered is taken once, and every end that a crash leaves open is settled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from store.known import Changes
from store.outbox import Delivery, Settlement
from store.store import Store
from tests.store.house import NOON, Site, arrival, ask, opened

LEASE = timedelta(minutes=5)


async def claimed(
    store: Store, limit: int = 20, owner: str = "we", now: datetime = NOON
) -> list[Delivery]:
    return await store.settle_and_claim([], "mail", lambda: now, owner, LEASE, limit)


async def queued(store: Store, count: int) -> None:
    """Acknowledgements to so many customers."""
    mails = [arrival(f"mail {n}", f"c{n}@example.jp") for n in range(count)]
    await asyncio.gather(*(store.commit_inbound(mail) for mail in mails))


def settlement(delivery: Delivery, state: Any, **more: Any) -> Settlement:
    attempts = delivery.attempts
    ids = (delivery.id, delivery.message, delivery.conversation, delivery.channel)
    return Settlement(*ids, state, attempts, **more)


async def states(store: Store) -> list[str]:
    return [row[0] for row in await ask(store, "SELECT state FROM v_outbox ORDER BY id")]


async def test_a_row_is_sending_before_anybody_hears_of_it(store: Store) -> None:
    await queued(store, 1)
    (delivery,) = await claimed(store)
    assert delivery.content.kind == "acknowledgement"
    assert [address.address for address in delivery.content.to] == ["c0@example.jp"]
    assert (delivery.attempts, delivery.automatic) == (1, True)
    assert await states(store) == ["sending"]


async def test_two_who_claim_at_once_never_get_the_same_row(site: Site) -> None:
    async with opened(site) as one, opened(site) as two:
        await queued(one, 40)
        takes = await asyncio.gather(*(claimed(store, 7) for store in (one, two) * 4))
        ids = [delivery.id for taken in takes for delivery in taken]
        assert len(ids) == len(set(ids)) == 40


async def test_what_is_not_due_or_not_ours_is_left(store: Store) -> None:
    await queued(store, 1)
    assert await claimed(store, now=NOON - timedelta(seconds=1)) == []
    other = await store.settle_and_claim([], "other", lambda: NOON, "we", LEASE, 9)
    assert other == []


async def test_ends_are_written_and_told_as_events(store: Store) -> None:
    await queued(store, 3)
    sent, late, dead = await claimed(store)
    later = NOON + timedelta(minutes=1)
    ends = [
        settlement(sent, "sent", peer_id="queued as 7"),
        settlement(late, "deferred", error="greylisted", retry_at=later),
        settlement(dead, "failed", error="no such user", address_dead=True),
    ]
    assert await store.settle_and_claim(ends, "mail", lambda: NOON, "we", LEASE, 9) == []
    assert await states(store) == ["sent", "deferred", "failed"]
    told = await ask(
        store, "SELECT type FROM v_events WHERE type LIKE 'delivery.%' ORDER BY cursor"
    )
    assert [row[0] for row in told] == ["delivery.sent", "delivery.deferred", "delivery.failed"]
    assert [d.id for d in await claimed(store, now=later)] == [late.id]


async def test_a_dead_address_is_failing_for_all_that_we_send(store: Store) -> None:
    await queued(store, 1)

    def name_it(connection: Connection, _: Changes) -> None:
        person = "(SELECT id FROM identities LIMIT 1)"
        connection.execute(text(f"UPDATE messages SET identity_id = {person}"))

    await store.write(name_it)
    (dead,) = await claimed(store)
    ends = [settlement(dead, "failed", address_dead=True)]
    await store.settle_and_claim(ends, "mail", lambda: NOON, "we", LEASE, 0)
    failing = await ask(store, "SELECT failing_since FROM v_identities")
    assert failing[0][0] is not None


async def test_after_a_crash_our_own_automatic_mail_is_in_doubt_and_not_sent_again(
    store: Store,
) -> None:
    await queued(store, 2)
    await claimed(store)
    assert await store.recover(NOON, "we") == 2
    assert await states(store) == ["in_doubt", "in_doubt"]
    assert await claimed(store, now=NOON + timedelta(days=1)) == []


async def test_what_a_person_wrote_goes_again_under_the_same_message_id(store: Store) -> None:
    await queued(store, 1)
    await store.write(lambda c, _: c.execute(text("UPDATE outbox SET automatic = false")))
    (first,) = await claimed(store)
    await store.recover(NOON, "we")
    (again,) = await claimed(store)
    assert again.content.message_id == first.content.message_id
    assert again.attempts == 2


@pytest.mark.parametrize(("waited", "taken"), [(LEASE / 2, 0), (LEASE * 2, 1)])
async def test_what_another_process_sends_is_its_own_until_its_lease_ends(
    store: Store, waited: timedelta, taken: int
) -> None:
    await queued(store, 1)
    await claimed(store, owner="another")
    assert await store.recover(NOON + waited, "we") == taken


async def test_a_row_that_was_settled_is_not_recovered(store: Store) -> None:
    await queued(store, 1)
    (sent,) = await claimed(store)
    ends = [settlement(sent, "sent")]
    await store.settle_and_claim(ends, "mail", lambda: NOON, "we", LEASE, 0)
    assert await store.recover(NOON + LEASE * 9, "we") == 0
    assert await states(store) == ["sent"]


async def test_a_clock_that_went_back_sends_nothing_twice(store: Store) -> None:
    """T02"""
    await queued(store, 1)
    (sent,) = await claimed(store)
    back = NOON - timedelta(hours=1)
    ends = [settlement(sent, "sent")]
    assert await store.settle_and_claim(ends, "mail", lambda: back, "we", LEASE, 9) == []
    assert await store.recover(back, "we") == 0
    cursors = [row[0] for row in await ask(store, "SELECT cursor FROM v_events")]
    assert sorted(set(cursors)) == cursors


YEAR = timedelta(days=365)


async def test_what_was_queued_by_a_clock_that_was_ahead_is_due_once_it_is_right(
    store: Store,
) -> None:
    """T02: nobody waits a year for an acknowledgement."""
    mail = replace(arrival("hello", "yuki@example.jp"), received_at=NOON + YEAR)
    await store.commit_inbound(mail)
    assert await claimed(store) == []
    await store.recover(NOON, "we")
    assert len(await claimed(store)) == 1


@pytest.mark.parametrize(("clock", "wait", "due"), [
    (NOON + YEAR, timedelta(minutes=1), True),
    (NOON, timedelta(hours=20), False),
])  # fmt: skip
async def test_what_was_put_off_by_a_clock_that_was_ahead_is_due_and_all_else_waits(
    store: Store, clock: datetime, wait: timedelta, due: bool
) -> None:
    await queued(store, 1)
    (busy,) = await claimed(store, now=clock)
    ends = [settlement(busy, "deferred", retry_at=clock + wait)]
    await store.settle_and_claim(ends, "mail", lambda: clock, "we", LEASE, 0)
    await store.recover(NOON, "we")
    assert bool(await claimed(store)) is due
