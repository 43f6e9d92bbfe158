"""Mail in our Sent folder: ours is known, a colleague's answer stands in its customer's case."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import Receipt
from normalizer.message import Transport
from tests.making import CONFIG, KEYS, Desk, envelope, mail, opened

RULES = """
[[follow_up]]
name = "late"
when = "unanswered"
after = "2 days"
send = "nudge"
"""
STAFF = "Aiko <support@example.com>"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + RULES) as running:
        yield running


async def sent(desk: Desk, raw: bytes, *, history: bool = False, unit: str = "") -> Receipt:
    """A mail found in Sent."""
    found = envelope(
        raw, unit=unit, received_at=desk.clock(), transport=Transport(sent=True, history=history)
    )
    return await desk.ingest.accept(found)


def answer(to: str = "yuki@example.jp", subject: str = "Re: Where is my parcel?", **more: str) -> bytes:  # fmt: skip
    return mail(STAFF, subject, "It is on its way.\n\n> It has been a week.", **({"To": to} | more))


async def asked(desk: Desk, **more: str) -> dict[str, Any]:
    """Yuki writes, and has an acknowledgement."""
    receipt = await desk.accept(mail(vouched="example.jp", **more))
    return await stored(desk, receipt.message)


async def stored(desk: Desk, message: int) -> dict[str, Any]:
    return await desk.one("SELECT * FROM messages WHERE id = :id", id=message)


async def case_of(desk: Desk, row: dict[str, Any]) -> dict[str, Any]:
    return await desk.one("SELECT * FROM cases WHERE id = :id", id=row["case_id"])


async def waiting(desk: Desk) -> int:
    found = await desk.one("SELECT count(*) AS n FROM follow_ups WHERE state = 'pending'")
    return int(found["n"])


async def test_an_answer_from_elsewhere_stands_in_the_case_and_ends_the_waiting(desk: Desk) -> None:
    question = await asked(desk)
    assert await waiting(desk) == 1
    out = await desk.count("outbox")
    receipt = await sent(desk, answer(In_Reply_To=f"<{question['message_id']}>"))
    row = await stored(desk, receipt.message)
    assert (row["direction"], row["kind"], row["status"]) == ("out", "reply", "sent")
    assert row["case_id"] == question["case_id"]
    assert row["reply_text"] == "It is on its way."
    assert json.loads(row["author"])["address"] == "support@example.com"
    case = await case_of(desk, row)
    assert (case["status"], case["unanswered_since"]) == ("open", None)
    assert await waiting(desk) == 0
    assert await desk.count("outbox") == out, "nothing is said to it"
    seen = await desk.one("SELECT data FROM events WHERE type = 'reply.seen'")
    assert json.loads(seen["data"])["case_id"] == case["id"]


async def test_without_references_the_same_subject_finds_the_open_case(desk: Desk) -> None:
    question = await asked(desk)
    row = await stored(desk, (await sent(desk, answer())).message)
    assert row["case_id"] == question["case_id"]
    other = await stored(desk, (await sent(desk, answer(subject="An invoice"))).message)
    assert other["case_id"] != question["case_id"]
    assert other["conversation_id"] == question["conversation_id"]


async def test_our_own_mail_in_sent_is_a_second_receipt_and_nothing_more(desk: Desk) -> None:
    await asked(desk)
    ack = await desk.one("SELECT * FROM messages WHERE kind = 'acknowledgement'")
    before = await desk.count("messages")
    same = answer(Message_ID=f"<{ack['message_id']}>")
    rewritten = answer(Message_ID="<x@eu.provider.example>", Reply_To=ack["reply_to"])
    for raw in (same, rewritten):
        receipt = await sent(desk, raw)
        assert (receipt.message, receipt.outcome) == (ack["id"], "duplicate")
    assert await desk.count("messages") == before
    assert await waiting(desk) == 1


async def test_a_token_that_is_not_ours_makes_nothing_our_own(desk: Desk) -> None:
    await asked(desk)
    ack = await desk.one("SELECT * FROM messages WHERE kind = 'acknowledgement'")
    forged = KEYS.token(1, ack["id"], "somebody@else.example")
    receipt = await sent(desk, answer(Reply_To=f"support+{forged}@example.com"))
    assert receipt.outcome == "accepted"


async def test_the_same_mail_under_another_number_is_one(desk: Desk) -> None:
    await asked(desk)
    raw = answer()
    first = await sent(desk, raw, unit="1:7")
    second = await sent(desk, raw, unit="2:7")
    assert (second.message, second.outcome) == (first.message, "duplicate")


async def test_an_out_of_office_of_ours_is_kept_and_cancels_nothing(desk: Desk) -> None:
    question = await asked(desk)
    raw = answer(Auto_Submitted="auto-replied", In_Reply_To=f"<{question['message_id']}>")
    row = await stored(desk, (await sent(desk, raw)).message)
    assert row["case_id"] == question["case_id"]
    assert (await case_of(desk, row))["status"] == "new"
    assert await waiting(desk) == 1


async def test_somebody_new_gets_a_conversation_and_never_one_of_our_own_addresses(
    desk: Desk,
) -> None:
    raw = answer("Haru <haru@example.jp>", "Your offer", Cc="sales@example.com")
    row = await stored(desk, (await sent(desk, raw)).message)
    assert (await case_of(desk, row))["status"] == "open"
    people = await desk.rows("SELECT address, name FROM identities")
    assert people == [{"address": "email:haru@example.jp", "name": "Haru"}]
    reply = mail("haru@example.jp", "Re: Your offer", vouched="example.jp",
                 In_Reply_To=f"<{row['message_id']}>")  # fmt: skip
    back = await stored(desk, (await desk.accept(reply, "haru@example.jp")).message)
    assert back["case_id"] == row["case_id"]


async def test_the_customer_is_found_behind_others_by_the_token_in_the_thread(desk: Desk) -> None:
    question = await asked(desk)
    ack = await desk.one("SELECT * FROM messages WHERE kind = 'acknowledgement'")
    raw = answer("boss@other.example", Cc="yuki@example.jp", References=f"<{ack['message_id']}>")
    row = await stored(desk, (await sent(desk, raw)).message)
    assert row["case_id"] == question["case_id"]


async def test_mail_among_ourselves_is_kept_without_a_case(desk: Desk) -> None:
    raw = answer("sales@example.com", "Lunch?")
    row = await stored(desk, (await sent(desk, raw)).message)
    assert (row["case_id"], row["status"]) == (None, "sent")
    assert await desk.count("identities") == 0


async def test_history_in_sent_changes_nothing_and_opens_nothing(desk: Desk) -> None:
    question = await asked(desk)
    raw = answer(In_Reply_To=f"<{question['message_id']}>")
    await sent(desk, raw, history=True)
    assert await waiting(desk) == 1
    old = await sent(desk, answer("old@example.jp", "Long ago"), history=True)
    assert (await case_of(desk, await stored(desk, old.message)))["status"] == "resolved"


async def test_an_answer_that_is_older_than_the_question_does_not_answer_it(desk: Desk) -> None:
    desk.clock.advance(hours=1)
    question = await asked(desk)
    early = envelope(
        answer(In_Reply_To=f"<{question['message_id']}>"),
        received_at=desk.clock() - timedelta(minutes=30),
        transport=Transport(sent=True),
    )
    await desk.ingest.accept(early)
    assert await waiting(desk) == 1


async def test_what_cannot_be_read_in_sent_waits_in_quarantine(desk: Desk) -> None:
    desk.inline.unreadable = b"on its way"
    receipt = await sent(desk, answer())
    row = await stored(desk, receipt.message)
    assert (receipt.outcome, row["status"], row["direction"]) == ("quarantined", "quarantined", "out")  # fmt: skip
    question = await asked(desk)
    desk.inline.unreadable = b""
    await desk.backlog.retry("quarantined")
    row = await stored(desk, receipt.message)
    assert (row["status"], row["case_id"]) == ("sent", question["case_id"])
