"""An answer that cannot arrive goes by the customer's next way: once, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected
from normalizer.message import Identity
from tests.gateway.retries.ways import (
    CLUB,
    MAIL,
    SHOP,
    answer,
    deliver,
    instead,
    join,
    one_customer,
    reroute,
    several_ways,
    wrote,
)
from tests.making import NOON, Desk, Wire


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Desk]:
    async with several_ways(tmp_path) as desk:
        yield desk


CLOSED = {
    "blocked": Rejected("blocked", "address_dead"),
    "the month is used up": Rejected("monthly limit", "window"),
}


@pytest.mark.parametrize("error", CLOSED.values(), ids=CLOSED)
async def test_it_goes_by_the_next_way_and_the_event_says_so(
    two: Desk, error: DeliveryError
) -> None:
    case = await one_customer(two, CLUB, MAIL)
    lost = await answer(two, case)
    await deliver(two, error)
    await reroute(two).look()
    (row,) = await instead(two)
    assert (row["channel"], row["text"], row["instead_of"]) == ("mail", "Here is how.", lost)
    assert json.loads(row["recipients"]) == {"to": [["", "yuki@example.jp"]], "cc": []}
    event = await two.one("SELECT data FROM events WHERE type = 'delivery.rerouted'")
    told = json.loads(event["data"])
    assert (told["message_id"], told["channel"], told["to"]) == (lost, "shop", "mail")
    assert told["why"] == getattr(error, "reason", "")
    wire = await deliver(two, channel="mail")
    assert [one.text for one in wire.sent] == ["Here is how."]
    assert wire.sent[0].subject, "a letter has a subject"


async def test_it_is_never_sent_twice(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    await answer(two, case)
    await deliver(two, Rejected("blocked", "address_dead"))
    for _ in range(3):
        await reroute(two).look()
    await two.change("UPDATE outbox SET astray = 'address_dead' WHERE state = 'failed'")
    await reroute(two).look()
    assert len(await instead(two)) == 1


async def test_a_chain_goes_on_and_never_back(two: Desk) -> None:
    case = await one_customer(two, CLUB, MAIL)
    first = await answer(two, case)
    await deliver(two, Rejected("blocked", "window"))
    await reroute(two).look()
    await deliver(two, Rejected("closed", "window"), channel="mail")
    await reroute(two).look()
    await deliver(two, Rejected("closed", "window"), channel="club")
    await reroute(two).look()
    second, third = await instead(two)
    assert (second["channel"], third["channel"]) == ("mail", "club")
    assert second["instead_of"] == first
    assert await two.rows("SELECT 1 FROM outbox WHERE astray <> ''") == []


STAYS: dict[str, DeliveryError] = {
    "content is refused everywhere": Rejected("too long", "content"),
    "doubt": InDoubt("broke"),
    "for a moment": ChannelDown("no route"),
}


@pytest.mark.parametrize("error", STAYS.values(), ids=STAYS)
async def test_otherwise_it_stays(two: Desk, error: DeliveryError) -> None:
    case = await one_customer(two, MAIL)
    await answer(two, case)
    await deliver(two, error)
    await reroute(two).look()
    assert await instead(two) == []


async def test_what_was_in_doubt_once_is_never_said_elsewhere(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    await answer(two, case)
    await deliver(two, InDoubt("broke"))
    two.clock.advance(hours=1)
    await deliver(two, Rejected("blocked", "address_dead"))
    await reroute(two).look()
    assert await instead(two) == []


async def test_what_was_being_sent_at_a_crash_is_never_said_elsewhere(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    await answer(two, case)
    await two.change(
        "UPDATE outbox SET state = 'sending', lease_owner = 'dead' WHERE NOT automatic"
    )
    await two.store.recover(two.clock(), "dead")
    await deliver(two, Rejected("blocked", "address_dead"))
    await reroute(two).look()
    assert await instead(two) == []


async def test_a_channel_that_is_down_for_long_is_left(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    lost = await answer(two, case)
    await deliver(two, ChannelDown("no route"))
    two.clock.advance(minutes=61)
    await reroute(two).look()
    assert [row["channel"] for row in await instead(two)] == ["mail"]
    row = await two.one("SELECT state, error FROM outbox WHERE message_id = :id", id=lost)
    assert row == {"state": "failed", "error": "shop is down; sent by mail"}
    assert (await deliver(two)).sent == [], "when it is back, it says nothing twice"


async def test_without_another_way_it_waits_for_its_own(two: Desk) -> None:
    case = await one_customer(two)
    await answer(two, case)
    await deliver(two, ChannelDown("no route"))
    two.clock.advance(hours=2)
    await reroute(two).look()
    assert [one.text for one in (await deliver(two)).sent] == ["Here is how."]


async def test_an_acknowledgement_is_never_sent_elsewhere(two: Desk) -> None:
    await one_customer(two, MAIL)
    await two.change("UPDATE outbox SET state = 'queued' WHERE channel = 'shop'")
    await deliver(two, Rejected("blocked", "address_dead"))
    await reroute(two).look()
    assert await instead(two) == []


async def test_only_the_same_customer_surely_and_alive(two: Desk) -> None:
    """Not somebody else, nor an address that only claims to be theirs or that fails."""
    await wrote(two, Identity("email", "hana@example.jp"))
    stranger = await two.one("SELECT customer_id FROM identities")
    case = await wrote(two, SHOP)
    await wrote(two, MAIL, known=False)
    await wrote(two, CLUB)
    await join(two, case, but=stranger["customer_id"])
    await two.change("UPDATE identities SET failing_since = 'x' WHERE address = 'http-club:c-1'")
    await two.change("UPDATE outbox SET state = 'sent'")
    await answer(two, case)
    await deliver(two, Rejected("blocked", "address_dead"))
    await reroute(two).look()
    assert await instead(two) == []


async def test_a_channel_that_is_only_watched_says_nothing(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    await answer(two, case)
    await deliver(two, Rejected("blocked", "address_dead"))
    await reroute(two, speaks=frozenset({"shop"})).look()
    assert await instead(two) == []


async def test_windows_prices_and_months_are_kept(two: Desk) -> None:
    case = await one_customer(two, CLUB)
    way = reroute(two)
    settings = way.desk.channels["club"]
    heard = two.clock() - timedelta(hours=25)

    class Limited(type(settings)):  # type: ignore[misc]  # whichever class it has
        @property
        def limits(self) -> Any:
            return super().limits._replace(window=timedelta(hours=24), cost="paid")

    limited = Limited(**settings.model_dump())
    assert case
    assert way._is_allowed(settings, heard)
    assert not way._is_allowed(limited, heard)
    assert not way._is_allowed(limited, two.clock())
    assert reroute(two, paid=True)._is_allowed(limited, two.clock())

    class Full(Wire):
        month = (200, 200)

    assert not reroute(two, channels={"club": Full("club")})._is_allowed(settings, heard)


async def test_another_address_on_the_same_channel_is_a_way_when_one_is_dead(two: Desk) -> None:
    other = Identity("email", "yuki@work.example")
    await wrote(two, other)
    case = await wrote(two, MAIL)
    await join(two, case)
    await two.change("UPDATE outbox SET state = 'sent'")
    await answer(two, case)
    await deliver(two, Rejected("no such user", "address_dead"), channel="mail")
    await reroute(two).look()
    assert [json.loads(row["recipients"])["to"][0][1] for row in await instead(two)] == [
        "yuki@work.example"
    ]


async def test_a_mail_to_several_stays_where_it_is(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    lost = await answer(two, case)
    both = json.dumps({"to": [["", "u-17"], ["", "boss"]], "cc": []})
    await two.change("UPDATE messages SET recipients = :r WHERE id = :id", r=both, id=lost)
    await deliver(two, Rejected("blocked", "address_dead"))
    await reroute(two).look()
    assert await instead(two) == []


async def test_an_old_failure_is_left_alone(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    await answer(two, case)
    await deliver(two, Rejected("blocked", "address_dead"))
    two.clock.at = NOON + timedelta(days=30)
    await reroute(two).look()
    assert await instead(two) == []
