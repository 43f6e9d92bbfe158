"""A case goes to somebody else: what its customer hears, and what the new owner gets to read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway import rules
from gateway.desk import acts
from gateway.desk.speak import Desk as Speaking
from gateway.desk.speak import Who
from gateway.desk.wanted import Change, Reply
from normalizer.message import Transport
from tests.making import CONFIG, KEYS, RELAY, Desk, envelope, mail, opened

STAFF = """
[calendar]
hours = { mon-fri = ["09:00-18:00"] }
[notices]
on = ["open", "owner"]
[[staff]]
name = "Aiko"
address = "aiko@corp.example"
[[staff]]
name = "Jun Mori"
address = "jun@corp.example"
public_name = "Jun from repairs"
per_hour = 2
[[staff]]
name = "Ken"
address = "ken@corp.example"
public_name = "<b>Ken</b>"
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + STAFF) as desk:
        if notify := desk.rules.notify:  # rules are shared by tests of one configuration
            notify.hours._sent.clear()
            notify.hours._more.clear()
        await desk.accept(mail(vouched="example.jp", Message_ID="<q@mail.example>"))
        yield desk


def speaking(desk: Desk) -> Speaking:
    hands = rules.handing(desk.config, desk.rules)
    return replace(rules.desk(desk.config, KEYS), handing=hands)


async def case_id(desk: Desk) -> int:
    return int((await desk.one("SELECT id FROM cases"))["id"])


async def alter(desk: Desk, by: str = "Aiko", **wanted: Any) -> None:
    """As a person does it over the API; each at an instant of its own."""
    desk.clock.advance(seconds=1)
    who = Who(by, "", desk.clock())
    act = acts.alter(speaking(desk), await case_id(desk), Change(**wanted), who)
    await desk.store.change(act)


async def heard(desk: Desk, **after: float) -> list[str]:
    """What the customer has heard of it, once so much time has passed."""
    desk.clock.advance(**after)
    await desk.follow_ups().look()
    query = (
        "SELECT text FROM messages WHERE kind = 'notice' AND identity_id IS NOT NULL ORDER BY id"
    )
    return [row["text"] for row in await desk.rows(query)]


async def notes(desk: Desk) -> list[dict[str, Any]]:
    """What colleagues got by mail."""
    query = "SELECT * FROM messages WHERE kind = 'notice' AND identity_id IS NULL ORDER BY id"
    return await desk.rows(query)


async def test_a_customer_reads_who_takes_care_now(desk: Desk) -> None:
    await alter(desk, owner="Aiko")
    assert not await heard(desk, minutes=5)  # the first owner of a case is no news
    await alter(desk, owner="jun  MORI")
    assert not await heard(desk, seconds=59)
    (text,) = await heard(desk, seconds=1)
    assert "From now on Jun from repairs takes care of your message" in text
    assert "you need not explain anything again" in text
    assert "you will hear from us by 4:30 pm today" in text  # as the acknowledgement promised
    assert (await desk.one("SELECT reference FROM cases"))["reference"] in text
    assert len(await heard(desk, days=5)) == 1


@pytest.mark.parametrize(
    "owner", ["Mallory <b>", "Aiko", "support-2@corp.example", "aiko@corp.example"]
)
async def test_nobody_s_internal_name_is_shown(desk: Desk, owner: str) -> None:
    await alter(desk, owner="Ken")
    await alter(desk, owner=owner)
    (text,) = await heard(desk, minutes=1)
    assert "a colleague takes care" in text
    assert owner not in text


async def test_japanese_is_answered_in_japanese(tmp_path: Path) -> None:
    async with opened(tmp_path, CONFIG + STAFF) as desk:
        await desk.accept(
            mail(subject="注文について", body="荷物が届きません。", vouched="example.jp")
        )
        await alter(desk, owner="Ken")
        await alter(desk, owner="Aiko")
        (text,) = await heard(desk, minutes=1)
        assert "これより別の担当者が引き継いで対応いたします" in text
        assert "あらためてご説明いただく必要はございません" in text
        assert "本日16時30分までにご連絡いたします" in text


@pytest.mark.parametrize(("tongue", "name"), [("ja", "修理担当"), ("en", "our repair team")])
async def test_a_department_is_called_as_the_customer_s_language_has_it(
    tmp_path: Path, tongue: str, name: str
) -> None:
    more = """
[[staff]]
name = "Repairs"
address = "repairs@corp.example"
public_name = { en = "our repair team", ja = "修理担当" }
"""
    async with opened(tmp_path, CONFIG + STAFF + more) as desk:
        body = "荷物が届きません。" if tongue == "ja" else "Where is my parcel?"
        await desk.accept(mail(body=body, vouched="example.jp"))
        await alter(desk, owner="Ken")
        await alter(desk, owner="repairs")
        (text,) = await heard(desk, minutes=1)
        assert name in text


async def test_a_promise_that_is_over_is_not_repeated(desk: Desk) -> None:
    await alter(desk, owner="Aiko")
    desk.clock.advance(days=1)
    await alter(desk, owner="Ken")
    (text,) = await heard(desk, minutes=1)
    assert "hear from us" not in text
    assert "<b>Ken</b> takes care" in text  # as it is written: this is no HTML


async def test_there_and_back_says_nothing(desk: Desk) -> None:
    await alter(desk, owner="Aiko")
    await alter(desk, owner="Ken")
    await alter(desk, owner="Jun Mori")
    await alter(desk, owner="AIKO@corp.example")
    assert not await heard(desk, days=1)
    (row,) = await desk.rows("SELECT reason FROM follow_ups WHERE state <> 'pending' AND id = "
                             "(SELECT max(id) FROM follow_ups WHERE rule = 'notice.owner')")  # fmt: skip
    assert row["reason"] == "it is otherwise now"


async def test_of_several_the_last_is_told(desk: Desk) -> None:
    for owner in ("Aiko", "Ken", "Jun Mori"):
        await alter(desk, owner=owner)
    (text,) = await heard(desk, minutes=2)
    assert "Jun from repairs" in text


async def test_a_change_of_status_is_told_rather_than_the_owner(desk: Desk) -> None:
    """… and the owner whom the customer knew is remembered over it."""
    await alter(desk, owner="Aiko")
    await alter(desk, owner="Ken")
    await alter(desk, status="open")
    await alter(desk, owner="Aiko")
    (text,) = await heard(desk, minutes=2)
    assert "is now working on your message" in text


@pytest.mark.parametrize(
    "change",
    [
        {"notify_customer": False},
        {"tags": ["sensitive"]},
        {"status": "resolved"},
        {"owner": ""},
        {"owner": "aiko"},
    ],
)
async def test_nothing_is_told_that_is_no_news(desk: Desk, change: dict[str, Any]) -> None:
    await alter(desk, owner="Aiko")
    await alter(desk, **({"owner": "Ken"} | change))
    assert not await heard(desk, days=1)


async def test_the_new_owner_reads_all_that_an_answer_needs(desk: Desk) -> None:
    await alter(desk, owner="Aiko")
    reply = Reply(text="We have asked the warehouse.")
    who = Who("Aiko", "", desk.clock())
    await desk.store.change(acts.reply(speaking(desk), await case_id(desk), reply, (), who))
    desk.clock.advance(hours=20)
    await desk.accept(
        mail(body="And?\n\nIt is a gift.", vouched="example.jp", In_Reply_To="<q@mail.example>")
    )
    await alter(desk, owner="Jun Mori", note="I am in Osaka.")
    (letter,) = await notes(desk)
    case = await desk.one("SELECT reference FROM cases")
    assert letter["recipients"] == '{"to":[["","jun@corp.example"]]}'
    assert letter["subject"] == f"[{case['reference']}] Where is my parcel?"
    text = letter["text"]
    assert text.startswith("Aiko has handed this case over to you.\n\nWhy: I am in Osaka.")
    assert "The customer said last (25 November):\n> And?\n>\n> It is a gift." in text
    assert "We said last (24 November):\n> We have asked the warehouse." in text
    assert "We promised an answer by 24 November. That time has passed." in text
    assert "Answer this mail to answer the customer" in text
    kept = await desk.one("SELECT text FROM messages WHERE kind = 'note'")
    assert kept["text"] == "I am in Osaka."


async def test_an_answer_to_that_mail_answers_the_customer(desk: Desk) -> None:
    await alter(desk, by="Boss", owner="Jun Mori")
    (letter,) = await notes(desk)
    assert letter["text"].startswith("Boss has given this case to you.")
    assert "No person of ours has answered yet." in letter["text"]
    assert "We promised an answer by 4:30 pm today." in letter["text"]
    to = letter["reply_to"]
    raw = mail("Jun <jun@corp.example>", "Re: x", "It left today.", vouched="corp.example", To=to)
    facts = Transport(peer=RELAY, sender="jun@corp.example", recipients=(to,))
    await desk.ingest.accept(envelope(raw, received_at=desk.clock(), transport=facts))
    reply = await desk.one("SELECT text, recipients FROM messages WHERE kind = 'reply'")
    assert (reply["text"], "yuki@example.jp" in reply["recipients"]) == ("It left today.", True)


async def test_an_absence_note_to_that_mail_ends_there(desk: Desk) -> None:
    """No loop: what a machine answers is kept, and answered by nobody."""
    await alter(desk, owner="Jun Mori")
    (letter,) = await notes(desk)
    to = letter["reply_to"]
    raw = mail("jun@corp.example", "Out of office", "I am away.", vouched="corp.example", To=to,
               Auto_Submitted="auto-replied")  # fmt: skip
    facts = Transport(peer=RELAY, sender="jun@corp.example", recipients=(to,))
    before = await desk.count("outbox")
    await desk.ingest.accept(envelope(raw, received_at=desk.clock(), transport=facts))
    assert await desk.count("outbox") == before


@pytest.mark.parametrize(
    ("by", "owner"), [("Jun Mori", "Jun Mori"), ("Aiko", "somebody else"), ("Aiko", "")]
)
async def test_nobody_is_mailed_about_what_they_did(desk: Desk, by: str, owner: str) -> None:
    await alter(desk, by=by, owner=owner)
    assert not await notes(desk)


async def test_the_same_owner_spelled_otherwise_is_not_mailed_again(desk: Desk) -> None:
    await alter(desk, owner="Jun Mori")
    await alter(desk, owner="JUN@corp.example")
    assert len(await notes(desk)) == 1


async def test_a_colleague_gets_no_more_of_them_than_of_others(desk: Desk) -> None:
    for _ in range(4):
        await alter(desk, owner="Jun Mori")
        await alter(desk, owner="Aiko", by="Ken")
    to_jun = [row for row in await notes(desk) if "jun@" in row["recipients"]]
    assert len(to_jun) == 2
    desk.clock.advance(hours=2)
    await alter(desk, owner="Jun Mori")
    to_jun = [row for row in await notes(desk) if "jun@" in row["recipients"]]
    assert "2 more messages came in the past hour" in to_jun[-1]["text"]
