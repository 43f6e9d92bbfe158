"""Which addresses are dead when a mail of ours comes back, on either database."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Connection, text

from store import returned
from store.known import Bounced, Changes
from store.outbox import Settlement
from store.rows import instant
from store.store import Store
from tests.store.house import NOON, arrival, ask
from tests.store.test_outbox import LEASE, claimed, settlement

AT = instant(NOON)


async def reply(store: Store, *recipients: str) -> tuple[int, int]:
    """A reply to the first of these customers, with copies to the others; its row and message."""
    for number, address in enumerate(recipients):
        await store.commit_inbound(arrival(f"mail {number}", address))
    delivery, *_ = await claimed(store)
    to = json.dumps({"to": [["", recipients[0]]], "cc": [["", one] for one in recipients[1:]]})

    def write(connection: Connection, _: Changes) -> None:
        first = text(
            "UPDATE messages SET recipients = :to, identity_id ="
            " (SELECT id FROM identities WHERE address = :address) WHERE id = :id"
        )
        address = f"email:{recipients[0]}"
        connection.execute(first, {"to": to, "address": address, "id": delivery.message})

    await store.write(write)
    return delivery.id, delivery.message


async def bounce(store: Store, message: int, *named: str, is_dead: bool = True) -> None:
    came = Bounced(message, named, is_dead, AT, "it came back: 5.1.1")
    await store.write(lambda connection, changes: returned.bounce(connection, changes, came))


async def failing(store: Store) -> list[str]:
    found = await ask(
        store, "SELECT address FROM v_identities WHERE failing_since IS NOT NULL ORDER BY address"
    )
    return [address.removeprefix("email:") for (address,) in found]


async def state(store: Store, outbox: int) -> tuple[Any, ...]:
    (found,) = await ask(store, f"SELECT state, error FROM v_outbox WHERE id = {outbox}")
    return found


@pytest.mark.parametrize(
    ("to", "named", "dead"),
    [
        (("a@x.jp",), ("a@x.jp",), ["a@x.jp"]),
        (("a@x.jp",), ("forwarded@elsewhere.jp",), ["a@x.jp"]),
        (("a@x.jp",), (), ["a@x.jp"]),
        (("a@x.jp", "b@x.jp"), ("B@x.jp",), ["b@x.jp"]),
        (("a@x.jp", "b@x.jp"), ("a@x.jp", "b@x.jp"), ["a@x.jp", "b@x.jp"]),
        (("a@x.jp", "b@x.jp"), ("c@x.jp",), []),
        (("a@x.jp", "b@x.jp"), (), []),
    ],
)
async def test_of_several_recipients_only_those_named_are_dead(
    store: Store, to: tuple[str, ...], named: tuple[str, ...], dead: list[str]
) -> None:
    await store.commit_inbound(arrival("somebody else's", "c@x.jp"))
    _, message = await reply(store, *to)
    await bounce(store, message, *named)
    assert await failing(store) == dead


async def test_a_peer_s_refusal_names_its_recipient_too(store: Store) -> None:
    outbox, message = await reply(store, "a@x.jp", "b@x.jp")
    refused = Settlement(
        outbox, message, None, "mail", "failed", 1, address_dead=True, recipient="b@x.jp"
    )
    await store.settle_and_claim([refused], "mail", lambda: NOON, "we", LEASE, 0)
    assert await failing(store) == ["b@x.jp"]


async def test_a_full_mailbox_is_not_dead(store: Store) -> None:
    outbox, message = await reply(store, "a@x.jp")
    await bounce(store, message, "a@x.jp", is_dead=False)
    assert await failing(store) == []
    assert await state(store, outbox) == ("failed", "it came back: 5.1.1")


async def test_a_report_that_overtakes_our_own_sent_is_not_undone_by_it(store: Store) -> None:
    """A relay on this machine bounces before we have written that it took the mail."""
    await store.commit_inbound(arrival("mail"))
    (delivery,) = await claimed(store)
    await bounce(store, delivery.message)
    sent = settlement(delivery, "sent", peer_id="queued as 7")
    await store.settle_and_claim([sent], "mail", lambda: NOON, "we", LEASE, 0)
    assert await state(store, delivery.id) == ("failed", "it came back: 5.1.1")
    assert await ask(store, "SELECT peer_id FROM outbox") == [("queued as 7",)]
