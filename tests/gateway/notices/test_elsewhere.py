"""A notice that did not arrive goes by the customer's next way: there in its words, counted once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import ChannelDown, DeliveryError, Rejected
from gateway import rules
from gateway.notices import acts
from normalizer.message import Identity
from tests.gateway.notices.many import MORE, agree, begin, drain, loop, now, who
from tests.gateway.retries.ways import (
    CLUB,
    MAIL,
    SHOP,
    TWO,
    deliver,
    one_customer,
    reroute,
    wrote,
)
from tests.making import KEYS, Desk, opened

BLOCKED = Rejected("blocked", "address_dead")
WORDING = 'send = "maildir:sent"\nwording = "letters"'


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", encoding="utf-8")
    own = tmp_path / "letters" / "en"
    own.mkdir(parents=True)
    for kind in ("service", "promotion"):
        text = "Subject: A letter\n\nBy letter: {{ text }} {{ sender }} {{ unsubscribe }}\n"
        (own / f"notice_{kind}.long.txt").write_text(text)
    text = TWO.replace('send = "maildir:sent"', WORDING) + MORE
    async with opened(tmp_path, text) as desk:
        yield desk


async def customer(desk: Desk, *others: Identity) -> int:
    """Somebody who wrote by each of these ways, and last by the shop."""
    case = await one_customer(desk, *others)
    row = await desk.one("SELECT customer_id, conversation_id FROM cases WHERE id = :c", c=case)
    await desk.change(
        "UPDATE messages SET customer_id = :customer_id, conversation_id = :conversation_id", **row
    )
    return int(row["customer_id"])


async def told(desk: Desk, kind: Any = "service", *customers: int) -> int:
    """A notice that is queued for all of these."""
    notice = await begin(desk, kind, customers=list(customers))
    notices = loop(desk)
    notices.per_minute = 6000
    await notices.look()
    desk.clock.advance(seconds=1)
    return notice.id


async def said(desk: Desk) -> list[dict[str, Any]]:
    """What was said instead, with its delivery."""
    return await desk.rows(
        "SELECT m.channel, m.text, m.unsubscribe, m.instead_of, o.due_at, o.state FROM messages m"
        " JOIN outbox o ON o.message_id = m.id WHERE m.instead_of IS NOT NULL ORDER BY m.id"
    )


async def test_it_goes_by_the_next_way_in_its_own_wording_and_counts_once(desk: Desk) -> None:
    id_ = await told(desk, "service", await customer(desk, MAIL))
    await deliver(desk, BLOCKED)
    assert (await now(desk, id_)).counts.failed == 1
    for _ in range(2):
        await reroute(desk).look()
    (row,) = await said(desk)
    assert (row["channel"], row["text"].startswith("By letter: Parcels")) == ("mail", True)
    counts = (await now(desk, id_)).counts
    assert (counts.total, counts.queued, counts.failed) == (1, 1, 0)
    assert [one.text for one in (await deliver(desk, channel="mail")).sent] == [row["text"]]
    counts = (await now(desk, id_)).counts
    assert (counts.sent, counts.failed) == (1, 0)
    shown = await desk.one("SELECT channel, state FROM v_notice_recipients")
    assert tuple(shown.values()) == ("mail", "sent")


async def test_a_way_that_fails_as_well_leads_to_the_next_and_never_back(desk: Desk) -> None:
    id_ = await told(desk, "service", await customer(desk, CLUB, MAIL))
    await deliver(desk, BLOCKED)
    await reroute(desk).look()
    await deliver(desk, BLOCKED, channel="mail")
    await reroute(desk).look()
    desk.clock.advance(seconds=1)
    await deliver(desk, BLOCKED, channel="club")
    await reroute(desk).look()
    assert [row["channel"] for row in await said(desk)] == ["mail", "club"]
    counts = (await now(desk, id_)).counts
    assert (counts.total, counts.failed, counts.queued) == (1, 1, 0)


async def test_a_promotion_goes_on_with_a_way_out_of_its_own(desk: Desk) -> None:
    id_ = await customer(desk, MAIL)
    await agree(desk, id_)
    await told(desk, "promotion", id_)
    first = await desk.one("SELECT unsubscribe FROM messages WHERE unsubscribe <> ''")
    await deliver(desk, BLOCKED)
    await reroute(desk).look()
    (row,) = await said(desk)
    assert row["unsubscribe"] in row["text"]
    assert row["unsubscribe"] not in ("", first["unsubscribe"])
    assert "Example Ltd." in row["text"]


@pytest.mark.parametrize("covered", ["the other way", "none any more"])
async def test_a_promotion_goes_nowhere_without_a_yes_for_that_way(
    desk: Desk, covered: str
) -> None:
    id_ = await customer(desk, MAIL)
    await agree(desk, id_)
    await told(desk, "promotion", id_)
    await deliver(desk, BLOCKED)
    if covered == "none any more":
        await agree(desk, id_, promotion=False)
    else:
        await desk.change(
            "DELETE FROM consents WHERE identity_id ="
            " (SELECT id FROM identities WHERE address = :a)", a=str(MAIL),
        )  # fmt: skip
    await reroute(desk).look()
    assert await said(desk) == []


async def test_a_promotion_takes_the_way_that_a_yes_was_said_for(desk: Desk) -> None:
    id_ = await customer(desk, MAIL)
    await agree(desk, id_)
    await desk.change(
        "DELETE FROM consents WHERE identity_id = (SELECT id FROM identities WHERE address = :a)",
        a=str(SHOP),
    )
    await told(desk, "promotion", id_)
    row = await desk.one("SELECT channel FROM messages WHERE unsubscribe <> ''")
    assert row["channel"] == "mail"
    await desk.change("DELETE FROM consents")
    notice = await begin(desk, "promotion", customers=[id_])
    await drain(desk, loop(desk))
    assert (await now(desk, notice.id)).counts.left_out == {"no recorded opt-in": 1}


async def test_a_stop_holds_for_it_too(desk: Desk) -> None:
    id_ = await told(desk, "service", await customer(desk, MAIL))
    await deliver(desk, BLOCKED)
    # One that has ended is finished; here somebody else would still have waited.
    await desk.change("UPDATE notices SET state = 'running'")
    await desk.store.change(acts.stop(id_, who(desk)))
    await reroute(desk).look()
    assert await said(desk) == []


async def test_who_was_told_under_another_identity_is_not_told_again(desk: Desk) -> None:
    id_ = await customer(desk)
    await alone(desk, CLUB)
    ids = [row["id"] for row in await desk.rows("SELECT id FROM customers ORDER BY id")]
    await told(desk, "service", *ids)
    assert len(await desk.rows("SELECT 1 FROM notice_recipients WHERE state = 'queued'")) == 2
    await became_one(desk, id_)
    await deliver(desk, BLOCKED)
    await reroute(desk).look()
    assert await said(desk) == []


async def alone(desk: Desk, writer: Identity) -> int:
    """Another customer, who wrote by this way only."""
    await wrote(desk, writer)
    await desk.change("UPDATE outbox SET state = 'sent'")
    row = await desk.one("SELECT customer_id FROM identities WHERE address = :a", a=str(writer))
    return int(row["customer_id"])


async def became_one(desk: Desk, customer: int, *others: int) -> None:
    """These, or all, turn out to be one customer."""
    row = await desk.one("SELECT id FROM conversations WHERE customer_id = :c", c=customer)
    of = f"customer_id IN ({', '.join(map(str, others))})" if others else "1 = 1"
    for table in ("messages", "cases"):
        await desk.change(f"UPDATE {table} SET conversation_id = :k WHERE {of}", k=row["id"])
    for table in ("messages", "cases", "identities"):
        await desk.change(f"UPDATE {table} SET customer_id = :c WHERE {of}", c=customer)


async def test_in_quiet_hours_it_waits_for_their_end(desk: Desk) -> None:
    id_ = await told(desk, "service", await customer(desk, MAIL))
    await deliver(desk, BLOCKED)
    desk.clock.at = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)  # 21:30 in Tokyo
    await reroute(desk).look()
    assert (await deliver(desk, channel="mail")).sent == []
    assert (await said(desk))[0]["due_at"] == "2026-11-24T23:00:00.000000Z"
    desk.clock.at = datetime(2026, 11, 24, 23, 0, 1, tzinfo=UTC)
    assert len((await deliver(desk, channel="mail")).sent) == 1
    assert (await now(desk, id_)).counts.sent == 1


async def test_many_that_fail_at_once_leave_one_after_the_other(desk: Desk) -> None:
    """A channel that is down for long does not empty itself into another within a second."""
    ids = []
    for n in range(4):
        mails = await alone(desk, Identity("email", f"c{n}@example.jp"))
        ids.append(await alone(desk, Identity("http-shop", f"u-{n}")))
        await became_one(desk, ids[-1], mails)
    id_ = await told(desk, "service", *ids)
    down: list[DeliveryError] = [ChannelDown("no route") for _ in ids]
    for _ in range(4):
        await deliver(desk, *down)
    desk.clock.advance(hours=2)
    start = desk.clock()
    await reroute(desk).look()
    rows = await said(desk)
    due = [datetime.fromisoformat(row["due_at"]) - start for row in rows]
    gap = timedelta(minutes=1) / rules.announcing(desk.config, KEYS).per_minute
    assert due == [n * gap for n in range(len(ids))]
    assert (await now(desk, id_)).counts.queued == len(ids)
