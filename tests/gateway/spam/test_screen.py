"""Spam on its way through the house: stored, nobody's, and released with one call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.readers import TooSlow
from gateway.retries.backlog import Backlog
from gateway.spam.filters import Filters
from store import apart
from tests.making import CONFIG, Desk, mail, opened, until, with_header

RULES = '[spam]\nblock = ["spam.example"]\n'
FLAGGED = [("X-Spam-Flag", "YES"), ("Received", "from mx.example by relay.example")]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + RULES) as one:
        yield one


async def nobody_s(desk: Desk) -> bool:
    tables = ("customers", "identities", "conversations", "cases", "outbox", "events", "follow_ups")
    return [await desk.count(table) for table in tables] == [0] * len(tables)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (mail("A <a@spam.example>"), "lists: the block list names the sender"),
        (with_header(mail(), FLAGGED), "headers: x-spam-flag of a trusted server says so"),
    ],
)
async def test_spam_is_stored_whole_and_is_nobody_s(desk: Desk, raw: bytes, why: str) -> None:
    receipt = await desk.accept(raw)
    assert receipt.outcome == "accepted"
    row = await desk.one("SELECT * FROM v_messages")
    assert (row["status"], row["conversation_id"], row["case_id"]) == ("spam", None, None)
    kept = await desk.one("SELECT data FROM blobs")
    assert kept["data"] == raw
    assert (await desk.one("SELECT outcome FROM v_ledger"))["outcome"] == "accepted"
    assert (await desk.decision(receipt.message, "spam"))["reason"] == why
    assert await nobody_s(desk)


async def test_the_same_spam_again_is_one_message_with_two_receipts(desk: Desk) -> None:
    raw = with_header(mail(), FLAGGED)
    first, second = await desk.accept(raw), await desk.accept(raw)
    assert (second.outcome, second.message) == ("duplicate", first.message)
    assert await desk.count("ledger") == 2


async def test_released_spam_is_mail_like_any_other(desk: Desk) -> None:
    receipt = await desk.accept(with_header(mail(), FLAGGED))
    await desk.backlog.release(receipt.message)
    row = await desk.one("SELECT * FROM v_messages WHERE direction = 'in'")
    assert (row["id"], row["status"]) == (receipt.message, "stored")
    assert (await desk.decision(receipt.message))["outcome"] == "sent"
    assert (await desk.decision(receipt.message, "spam"))["outcome"] == "released"
    assert await desk.count("outbox") == 1
    events = [row["type"] for row in await desk.rows("SELECT type FROM v_events")]
    assert events == ["case.opened", "message.received", "acknowledgement.queued"]


async def test_spam_that_is_released_after_days_is_history(desk: Desk) -> None:
    receipt = await desk.accept(with_header(mail(), FLAGGED))
    desk.clock.advance(days=2)
    await desk.backlog.release(receipt.message)
    assert (await desk.one("SELECT status FROM v_cases"))["status"] == "resolved"
    assert await desk.count("outbox") == 0


async def test_only_spam_is_released_and_only_once(desk: Desk) -> None:
    good = await desk.accept(mail())
    bad = await desk.accept(with_header(mail(), FLAGGED))
    assert await desk.backlog.release(good.message) is None
    assert await desk.backlog.release(bad.message + 1000) is None
    assert await desk.backlog.release(bad.message) is not None
    assert await desk.backlog.release(bad.message) is None


async def test_the_list_says_why_and_goes_on_where_it_ended(desk: Desk) -> None:
    await desk.accept(mail())
    ids = [(await desk.accept(with_header(mail(), FLAGGED))).message for _ in range(3)]
    first = await desk.store.read(lambda c: apart.messages(c, "spam", limit=2))
    assert [item.id for item in first.items] == ids[:2]
    assert first.items[0].reason == "headers: x-spam-flag of a trusted server says so"
    rest = await desk.store.read(lambda c: apart.messages(c, "spam", after=first.next))
    assert ([item.id for item in rest.items], rest.next) == (ids[2:], None)


async def test_the_list_is_found_by_its_index(desk: Desk) -> None:
    plan = await desk.rows(
        "EXPLAIN QUERY PLAN SELECT id FROM messages WHERE status = 'spam' ORDER BY id"
    )
    assert "ix_messages_spam" in plan[0]["detail"]


async def test_an_answer_to_a_mail_of_ours_is_not_held_back(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    ours = await desk.one("SELECT message_id FROM messages WHERE direction = 'out'")
    reply = mail(subject="Re: parcel", In_Reply_To=f"<{ours['message_id']}>")
    await desk.accept(with_header(reply, FLAGGED))
    assert await desk.count("messages WHERE status = 'spam'") == 0
    assert await desk.count("cases") == 1


class Slow:
    """A filter that answers when it is told to."""

    def __init__(self, answer: str) -> None:
        self.answer, self.go, self.asked = answer, asyncio.Event(), 0

    async def __call__(self, *_: object) -> str:
        self.asked += 1
        await self.go.wait()
        return self.answer


def with_filter(desk: Desk, ask: Slow) -> Desk:
    assert desk.ingest.screen
    screen = desk.ingest.screen
    filters = Filters({"rspamd": ask}, screen.metrics)
    desk.ingest = replace(desk.ingest, screen=replace(screen, filters=filters))
    desk.backlog = Backlog(desk.store, desk.ingest)
    return desk


async def test_a_peer_never_waits_for_a_filter_that_takes_its_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail is durable unread, and the answer that was asked for then decides."""
    monkeypatch.setattr("gateway.ingest.READ_PATIENCE", 0.0)
    slow = Slow("reject, scored 15")
    with_filter(desk, slow)
    receipt = await desk.accept(mail())
    assert receipt.outcome == "accepted"
    assert (await desk.one("SELECT status FROM messages"))["status"] == "unread"
    slow.go.set()
    (kept,) = await desk.backlog.waiting("unread")
    await desk.backlog.reread(kept)
    assert (await desk.one("SELECT status FROM messages"))["status"] == "spam"
    assert slow.asked == 1
    assert await nobody_s(desk)


async def test_what_could_not_be_read_in_time_is_screened_when_it_is_read(desk: Desk) -> None:
    desk.inline.troubles = [TooSlow()]
    await desk.accept(with_header(mail(), FLAGGED))
    task = asyncio.create_task(desk.backlog.run())

    async def is_spam() -> bool:
        return await desk.count("messages WHERE status = 'spam'") == 1

    await until(is_spam)
    task.cancel()
    assert await nobody_s(desk)


async def test_history_is_shown_to_no_filter(desk: Desk) -> None:
    slow = Slow("reject")
    with_filter(desk, slow)
    old = desk.clock()
    desk.clock.advance(days=2)
    await desk.accept(mail(), received_at=old)
    assert slow.asked == 0
    assert await desk.count("cases") == 1
