"""The one word that ends promotions, by itself: kept, confirmed once, and nobody's matter."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway import rules
from normalizer.message import Identity, Part, Report
from tests.gateway.incoming.test_messenger import say as said_there
from tests.making import CONFIG, KEYS, Desk, configure, mail, opened

SENDER = """
[notices]
sender = "Example Ltd."
sender_address = "1-2-3 Kanda, Tokyo"
"""
YUKI = "<yuki@example.jp>"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + SENDER) as desk:
        yield desk


async def writes(desk: Desk, body: str, subject: str = "", **more: Any) -> int:
    """Yuki writes a mail that her domain vouches for, a minute later."""
    desk.clock.advance(minutes=1)
    raw = mail(YUKI, subject, body, **({"vouched": "example.jp"} | more))
    return (await desk.accept(raw)).message


async def says(desk: Desk, text: str, **more: Any) -> int:
    """Somebody says it on a messenger."""
    desk.clock.advance(minutes=1)
    return (await said_there(desk, text, reply_text=text, **more)).message


async def refused(desk: Desk) -> int:
    """How many words there are that end promotions."""
    return int((await desk.one("SELECT count(*) AS n FROM consents WHERE NOT given"))["n"])


async def confirmations(desk: Desk) -> list[dict[str, Any]]:
    return await desk.rows(
        "SELECT m.*, o.state FROM messages m JOIN outbox o ON o.message_id = m.id"
        " WHERE m.kind = 'notice' ORDER BY m.id"
    )


async def told(desk: Desk) -> str:
    """A notice is the last that we said there; what the platform calls it."""
    await desk.change("UPDATE messages SET kind = 'notice' WHERE direction = 'out'")
    await desk.change("UPDATE outbox SET state = 'sent', peer_id = 'p-' || id, domain = 'pager'")
    row = await desk.one("SELECT max(id) AS id FROM outbox")
    return f"p-{row['id']}"


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("", "STOP"),
        ("unsubscribe", ""),
        ("配信停止", "配信停止をお願いします。"),
        ("Unsubscribe", "Stop!"),
    ],
)
async def test_out_of_the_blue_it_is_kept_and_confirmed_and_opens_nothing(
    desk: Desk, subject: str, body: str
) -> None:
    id_ = await writes(desk, body, subject)
    assert (await desk.count("cases"), await desk.count("follow_ups")) == (0, 0)
    assert await refused(desk) == 1
    (row,) = await confirmations(desk)
    japanese = "ご案内の停止を承りました" in row["text"]
    assert japanese == (not f"{subject}{body}".isascii())
    assert json.loads(row["recipients"])["to"] == [["", "yuki@example.jp"]]
    asked = await desk.one("SELECT message_id, case_id FROM messages WHERE id = :id", id=id_)
    assert (row["in_reply_to"], row["case_id"]) == (asked["message_id"], None)
    kinds = [one["type"] for one in await desk.rows("SELECT type FROM events ORDER BY cursor")]
    assert kinds == ["message.received", "consent.changed"]
    assert await desk.decision(id_) == {
        "about": "acknowledgement", "outcome": "sent", "reason": "an opt-out, confirmed once a day",
    }  # fmt: skip
    word = await desk.one("SELECT message_id FROM v_consents")
    assert word["message_id"] == id_


async def test_it_is_confirmed_once_a_day(desk: Desk) -> None:
    for _ in range(4):
        await writes(desk, "STOP")
    assert len(await confirmations(desk)) == 1
    desk.clock.advance(days=2)
    await writes(desk, "STOP")
    assert (len(await confirmations(desk)), await desk.count("cases")) == (2, 0)


async def test_a_no_that_was_said_elsewhere_is_confirmed_to_whoever_writes_it(desk: Desk) -> None:
    await writes(desk, "Where is it?", "Parcel")
    await desk.change(
        "INSERT INTO consents (id, identity_id, purpose, given, source, author, at)"
        " SELECT 900, id, 'promotion', 0, 'the link in a message', '', :at FROM identities",
        at="2026-11-24T03:00:30.000000Z",
    )
    await writes(desk, "STOP")
    assert len(await confirmations(desk)) == 1


MATTERS: dict[str, dict[str, Any]] = {
    "more words": {"body": "Please stop sending me the wrong size."},
    "a subject of its own": {"body": "STOP", "subject": "Order 1234"},
    "a file beside it": {
        "body": '--b\r\nContent-Type: text/plain\r\n\r\nSTOP\r\n--b\r\nContent-Type: image/png\r\n'
        'Content-Disposition: attachment; filename="a.png"\r\n\r\nx\r\n--b--',
        "Content_Type": "multipart/mixed; boundary=b",
    },
    "an answer to what is not ours": {"body": "STOP", "In_Reply_To": "<news@other.example>"},
    "nobody vouches": {"body": "STOP", "vouched": ""},
}  # fmt: skip


@pytest.mark.parametrize("more", MATTERS.values(), ids=MATTERS)
async def test_whatever_may_be_more_is_a_case(desk: Desk, more: dict[str, Any]) -> None:
    await writes(desk, **more)
    assert await desk.count("cases") == 1
    assert await confirmations(desk) == []


async def test_where_no_promotions_are_sent_from_a_person_sees_to_it(tmp_path: Path) -> None:
    assert rules.admission(configure(tmp_path), KEYS).leaving is None
    async with opened(tmp_path, CONFIG) as desk:
        await writes(desk, "STOP")
        assert (await desk.count("cases"), await refused(desk)) == (1, 1)


async def test_a_robot_is_heard_and_not_answered(desk: Desk) -> None:
    raw = mail("<no-reply@example.jp>", "", "STOP", vouched="example.jp")
    await desk.accept(raw, "no-reply@example.jp")
    assert (await refused(desk), await confirmations(desk), await desk.count("cases")) == (1, [], 0)


async def test_an_autoresponder_says_nothing_by_it(desk: Desk) -> None:
    await writes(desk, "STOP", Auto_Submitted="auto-replied")
    assert (await refused(desk), await confirmations(desk)) == (0, [])


@pytest.mark.parametrize("mode", ["watch", "approve"])
async def test_modes_hold_the_confirmation_back(tmp_path: Path, mode: str) -> None:
    text = CONFIG.replace('type = "smtp"', f'type = "smtp"\nmode = "{mode}"') + SENDER
    async with opened(tmp_path, text) as desk:
        await writes(desk, "STOP")
        states = [row["state"] for row in await confirmations(desk)]
        assert states == (["draft"] if mode == "approve" else [])
        assert (await refused(desk), await desk.count("cases")) == (1, 0)


async def test_the_language_is_the_customer_s_and_not_that_of_a_word(desk: Desk) -> None:
    await writes(desk, "荷物が届きません。", "=?utf-8?b?6I2354mp?=")
    await writes(desk, "STOP")
    (row,) = await confirmations(desk)
    assert row["language"] == "ja"


async def test_an_answer_to_the_confirmation_is_a_matter_like_any_other(desk: Desk) -> None:
    await writes(desk, "STOP")
    (row,) = await confirmations(desk)
    about = f"<{row['message_id']}>"
    await writes(desk, "I meant my order.", "Re: No more offers", In_Reply_To=about)
    case = await desk.one("SELECT status, unanswered_since FROM cases")
    assert (case["status"], case["unanswered_since"] is None) == ("new", False)
    await writes(desk, "STOP", "Re: No more offers", In_Reply_To=about)
    assert await desk.count("cases") == 1


async def test_in_a_talk_with_us_it_is_a_word_of_that_talk(desk: Desk) -> None:
    await says(desk, "Where is it?")
    await desk.change("UPDATE outbox SET state = 'sent'")
    await says(desk, "stop")
    case = await desk.one("SELECT id FROM cases")
    rows = await desk.rows("SELECT case_id FROM messages WHERE direction = 'in'")
    assert {row["case_id"] for row in rows} == {case["id"]}
    assert (await refused(desk), await confirmations(desk)) == (1, [])


@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize("status", ["open", "resolved"])
async def test_in_answer_to_a_notice_it_changes_no_case(
    desk: Desk, status: str, *, quoted: bool
) -> None:
    await says(desk, "Where is it?")
    name = await told(desk)
    await desk.change("UPDATE cases SET status = :s, unanswered_since = NULL", s=status)
    await says(desk, "STOP", in_reply_to=name if quoted else "")
    case = await desk.one("SELECT status, unanswered_since FROM cases")
    assert tuple(case.values()) == (status, None)
    assert await refused(desk) == 1
    assert len(await confirmations(desk)) == 2  # the notice itself, and this


async def test_an_id_of_another_s_notice_leads_to_no_case_of_theirs(desk: Desk) -> None:
    await says(desk, "Where is it?")
    name = await told(desk)
    theirs = await desk.one("SELECT id FROM cases")
    id_ = await says(desk, "STOP", in_reply_to=name, who=Identity("pager", "99"))
    row = await desk.one("SELECT case_id FROM messages WHERE id = :id", id=id_)
    assert row["case_id"] not in (None, theirs["id"])


async def test_in_answer_to_a_notice_of_a_case_that_moved_on_it_is_in_no_case(desk: Desk) -> None:
    await writes(desk, "Where is it?", "Parcel")
    await told(desk)
    notice = await desk.one("SELECT message_id FROM messages WHERE kind = 'notice'")
    await desk.accept(mail("<ken@example.jp>", vouched="example.jp"), "ken@example.jp")
    await desk.change(
        "UPDATE cases SET conversation_id = (SELECT max(id) FROM conversations) WHERE id ="
        " (SELECT min(id) FROM cases)"
    )
    id_ = await writes(desk, "STOP", "Re: Parcel", In_Reply_To=f"<{notice['message_id']}>")
    row = await desk.one("SELECT case_id FROM messages WHERE id = :id", id=id_)
    assert (row["case_id"], await refused(desk)) == (None, 1)


async def test_after_the_talk_it_opens_none(desk: Desk) -> None:
    await says(desk, "Where is it?")
    await desk.change("UPDATE cases SET status = 'resolved'")
    await says(desk, "配信停止")
    assert (await desk.count("cases"), len(await confirmations(desk))) == (1, 1)


async def test_a_picture_with_it_is_a_case(desk: Desk) -> None:
    picture = Part(role="attachment", content_type="image/png", size=1, sha256="a", data=b"x")
    await says(desk, "STOP", parts=(picture,))
    assert (await desk.count("cases"), await confirmations(desk)) == (1, [])


async def test_what_a_platform_was_told_ends_promotions_also_when_it_is_taken_back(
    desk: Desk,
) -> None:
    await says(desk, "hello")
    gone = Report("", "failed", "the customer opted out: quit", address_dead=True)
    await says(desk, "QUIT", aside=True, report=gone)
    await says(desk, "START", aside=True, report=Report("", "delivered"))
    assert (await refused(desk), await confirmations(desk)) == (1, [])


async def test_who_blocks_us_has_said_nothing(desk: Desk) -> None:
    await says(desk, "hello")
    await says(desk, "", aside=True, report=Report("", "failed", "blocked", address_dead=True))
    assert await refused(desk) == 0


async def test_a_copy_of_it_is_the_same_word(desk: Desk) -> None:
    raw = mail(YUKI, "", "STOP", vouched="example.jp")
    first = await desk.accept(raw)
    again = await desk.accept(raw)
    assert (first.outcome, again.outcome) == ("accepted", "duplicate")
    assert (await refused(desk), len(await confirmations(desk))) == (1, 1)
