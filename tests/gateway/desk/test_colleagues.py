"""Our own people by mail: what they are told, what they may answer, and what nobody may forge."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import Receipt
from gateway import rules
from gateway.admit import Admission
from gateway.desk import acts
from gateway.desk.acts import Act
from gateway.desk.colleagues import for_customer
from gateway.desk.speak import Refused, Who
from gateway.desk.wanted import Ask, Reply
from normalizer.message import Transport
from store import shapes
from tests.making import CONFIG, KEYS, NOON, RELAY, Desk, envelope, mail, opened

STAFF = """
[[staff]]
name = "Aiko"
address = "Aiko@corp.example"
notify = ["new case", "customer wrote"]
per_hour = 3

[[staff]]
name = "Ken"
address = "ken@corp.example"
login = "ken"
"""
AIKO, KEN, YUKI = "aiko@corp.example", "ken@corp.example", "yuki@example.jp"
WHO = Who("Aiko", "desk", NOON)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + STAFF) as running:
        notify = plan(running).notify
        assert notify
        notify.hours._sent.clear()  # rules are shared by tests of one configuration
        notify.hours._more.clear()
        yield running


def plan(desk: Desk) -> Admission:
    rules = desk.store._writer._plan
    assert isinstance(rules, Admission)
    return rules


async def told(desk: Desk, **more: str) -> dict[str, Any]:
    """Yuki writes; the mail that tells Aiko of it."""
    await desk.accept(mail(vouched="example.jp", **more))
    return (await notices(desk))[-1]


async def notices(desk: Desk) -> list[dict[str, Any]]:
    return await desk.rows("SELECT * FROM messages WHERE kind = 'notice' ORDER BY id")


async def replies(desk: Desk) -> list[dict[str, Any]]:
    return await desk.rows("SELECT * FROM messages WHERE kind = 'reply' ORDER BY id")


async def stored(desk: Desk, receipt: Receipt) -> dict[str, Any]:
    return await desk.one("SELECT * FROM messages WHERE id = :id", id=receipt.message)


async def refused(desk: Desk) -> list[str]:
    found = await desk.rows("SELECT data FROM events WHERE type = 'staff.refused'")
    return [json.loads(row["data"])["reason"] for row in found]


async def answers(
    desk: Desk, to: str, sender: str = AIKO, body: str = "It left today.", *,
    vouched: str = "corp.example", **more: Any,
) -> Receipt:  # fmt: skip
    """A colleague answers a mail of ours at its reply address."""
    transport = more.pop("transport", {})
    raw = mail(f"A <{sender}>", "Re: x", body, vouched=vouched, **({"To": to} | more))
    facts = {"peer": RELAY, "sender": sender, "recipients": (to,)} | transport
    found = envelope(raw, received_at=desk.clock(), transport=Transport(**facts))
    return await desk.ingest.accept(found)


async def test_a_colleague_is_told_of_a_new_case_and_of_each_further_word(desk: Desk) -> None:
    first = await told(desk)
    assert json.loads(first["recipients"]) == {"to": [["", AIKO]]}
    assert "It has been a week." in first["text"]
    assert first["reply_to"].startswith("support+")
    out = await desk.one("SELECT * FROM outbox WHERE message_id = :id", id=first["id"])
    assert (out["automatic"], out["conversation_id"]) == (1, None)
    second = await told(desk, body="Still nothing.")
    assert "Still nothing." in second["text"]
    assert second["case_id"] == first["case_id"]
    assert len(await notices(desk)) == 2


@pytest.mark.parametrize("wants", ["", 'notify = ["new case"]\n'])
async def test_whom_a_route_makes_the_owner_is_told_of_the_case_and_once(
    tmp_path: Path, wants: str
) -> None:
    """Somebody must know of a complaint at once, whatever else is configured."""
    route = '[[route]]\nname = "r"\nkeyword = ["parcel"]\nsensitive = true\nowner = "KEN"\n'
    ken = f'[[staff]]\nname = "Ken"\naddress = "{KEN}"\n{wants}'
    async with opened(tmp_path, CONFIG + ken + route) as desk:
        await desk.accept(mail(vouched="example.jp"))
        (told,) = await notices(desk)
        assert json.loads(told["recipients"]) == {"to": [["", KEN]]}
        await desk.accept(mail(vouched="example.jp", body="Still nothing."))
        assert len(await notices(desk)) == 1


@pytest.mark.parametrize(
    "headers", [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}], ids=str
)
async def test_nobody_is_told_of_robots(desk: Desk, headers: dict[str, str]) -> None:
    await desk.accept(mail(vouched="example.jp", **headers))
    assert await notices(desk) == []


async def test_a_flood_of_cases_is_one_line_in_the_next_mail(desk: Desk) -> None:
    for number in range(10):
        await told(desk, subject=f"Matter {number}")
    assert len(await notices(desk)) == 3
    desk.clock.advance(minutes=61)
    last = await told(desk, subject="The next hour")
    assert "7 more messages" in last["text"]
    assert len(await notices(desk)) == 4
    alarms = plan(desk).alarms._waiting
    assert [alarm.kind for alarm in alarms] == ["staff.flood"]
    alarms.clear()


async def test_a_colleagues_answer_goes_to_the_customer_from_our_own_address(desk: Desk) -> None:
    notice = await told(desk)
    body = (
        "It left today.\nAsk me: Aiko@Corp.example\n\n-- \nAiko Sato, secret extension 99\n\n"
        f"On Tue, Support <{notice['reply_to']}> wrote:\n> secret quotation\n"
    )
    receipt = await answers(desk, notice["reply_to"], body=body)
    note, (reply,) = await stored(desk, receipt), await replies(desk)
    assert (note["kind"], note["direction"], note["case_id"]) == ("note", "in", notice["case_id"])
    assert reply["text"] == "It left today.\nAsk me:"
    assert json.loads(reply["recipients"])["to"] == [["Yuki", YUKI]]
    question = await desk.one("SELECT * FROM messages WHERE kind = 'message'")
    assert reply["in_reply_to"] == question["message_id"]
    assert reply["subject"] == "Re: Where is my parcel?"
    for value in (reply["message_id"], reply["references"], reply["reply_to"], reply["subject"]):
        assert "corp.example" not in value
        assert notice["message_id"] not in value
    out = await desk.one("SELECT * FROM outbox WHERE message_id = :id", id=reply["id"])
    assert (out["state"], out["automatic"]) == ("queued", 0)
    case = await desk.one("SELECT * FROM cases")
    assert (case["status"], case["unanswered_since"]) == ("open", None)
    assert await desk.rows("SELECT 1 FROM identities WHERE address LIKE '%corp%'") == []
    assert await refused(desk) == []


async def test_an_answer_keeps_its_attachments_and_loses_what_tells_of_its_writer(
    desk: Desk,
) -> None:
    notice = await told(desk)
    part = "--b\r\nContent-Type: {}\r\nContent-Disposition: attachment; filename={}\r\n\r\n{}\r\n"
    body = "--b\r\nContent-Type: text/plain\r\n\r\nSee the bill.\r\n" + "".join(
        part.format(kind, name, "content of " + name)
        for kind, name in [
            ("application/pdf", "bill.pdf"),
            ("text/vcard", "aiko.vcf"),
            ("application/pkcs7-signature", "smime.p7s"),
        ]
    )
    await answers(
        desk, notice["reply_to"], body=f"{body}--b--", MIME_Version="1.0",
        Content_Type="multipart/mixed; boundary=b",
    )  # fmt: skip
    (reply,) = await replies(desk)
    parts = await desk.rows("SELECT * FROM parts WHERE message_id = :id", id=reply["id"])
    assert [part["filename"] for part in parts] == ["bill.pdf"]
    await desk.change("UPDATE outbox SET state = 'failed' WHERE automatic")
    (taken,) = await desk.store.settle_and_claim(
        [], "mail", desk.clock, "us", timedelta(minutes=1), 9
    )
    assert [part.data for part in taken.content.parts] == [b"content of bill.pdf"]


async def test_submission_auth_vouches_for_the_colleague_whose_login_it_is(desk: Desk) -> None:
    notice = await told(desk)
    for login, sent in (("ken", 0), ("", 0), (AIKO, 1)):
        await answers(desk, notice["reply_to"], vouched="", transport={"user": login})
        assert len(await replies(desk)) == sent, login
    assert len(await refused(desk)) == 2


@pytest.mark.parametrize(
    "forgery",
    ["nobody vouches", "another domain is vouched for", "DMARC fails", "automatic", "null sender",
     "an autoresponder's words only", "history"],
)  # fmt: skip
async def test_a_stolen_token_with_a_forged_colleague_reaches_no_customer(
    desk: Desk, forgery: str
) -> None:
    """S13, CVE-2026-47123: kept as a note, told as a warning, never mailed to the customer."""
    notice = await told(desk)
    to, out = notice["reply_to"], await desk.count("outbox")
    if forgery == "nobody vouches":
        receipt = await answers(desk, to, vouched="")
    elif forgery == "another domain is vouched for":
        receipt = await answers(desk, to, vouched="evil.example")
    elif forgery == "DMARC fails":
        raw = mail(AIKO, "Re: x", "Pay here.", To=to)
        bad = b"Authentication-Results: mx; dmarc=fail (p=reject) header.from=corp.example\r\n"
        receipt = await desk.accept(bad + raw, AIKO, to=(to,))
    elif forgery == "automatic":
        receipt = await answers(desk, to, Auto_Submitted="auto-replied")
    elif forgery == "null sender":
        receipt = await answers(desk, to, transport={"sender": "<>"})
    elif forgery == "an autoresponder's words only":
        receipt = await answers(desk, to, body="> nothing but a quotation")
    else:
        receipt = await answers(desk, to, transport={"history": True})
    note = await stored(desk, receipt)
    assert (note["kind"], note["case_id"]) == ("note", notice["case_id"])
    assert await replies(desk) == []
    assert await desk.count("outbox") == out, "nothing is said to anybody"
    assert len(await refused(desk)) == 1
    assert await desk.rows("SELECT 1 FROM identities WHERE address LIKE '%corp%'") == []


async def test_a_token_of_another_hand_reaches_no_customer(desk: Desk) -> None:
    """S13: the right colleague with another's token, a customer's token, or a guessed one."""
    notice = await told(desk)
    token = notice["reply_to"].partition("+")[2].partition("@")[0]
    of_ken = await answers(desk, notice["reply_to"], sender=KEN)
    assert (await stored(desk, of_ken))["kind"] == "note"
    assert len(await refused(desk)) == 1
    customers = KEYS.token(notice["case_id"], notice["id"], YUKI)
    for guess in (token[:-1] + ("0" if token[-1] != "0" else "1"), customers):
        receipt = await answers(desk, f"support+{guess}@example.com")
        assert (await stored(desk, receipt))["case_id"] != notice["case_id"]
    mallory = await answers(desk, notice["reply_to"], "mallory@evil.example", vouched="evil.example")  # fmt: skip
    assert (await stored(desk, mallory))["case_id"] != notice["case_id"]
    assert await replies(desk) == []


async def test_a_customer_who_is_quoted_our_mail_gets_no_word_of_the_colleague(desk: Desk) -> None:
    notice = await told(desk)
    await answers(desk, notice["reply_to"], References=f"<{notice['message_id']}>", To="support@example.com")  # fmt: skip
    (reply,) = await replies(desk)
    assert notice["message_id"] not in reply["references"]


async def test_an_address_that_fails_is_told_to_us_and_not_tried(desk: Desk) -> None:
    notice = await told(desk)
    await desk.change("UPDATE identities SET failing_since = 'x'")
    await answers(desk, notice["reply_to"])
    assert await replies(desk) == []
    assert "comes back" in (await refused(desk))[0]


async def do(desk: Desk, act: Act[shapes.Queued]) -> shapes.Queued:
    done = await desk.store.change(act)
    assert not isinstance(done, Refused), done
    return done


async def test_another_department_is_asked_and_its_answer_is_a_note(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    case = (await desk.one("SELECT id FROM cases"))["id"]
    us = rules.desk(desk.config, KEYS)
    said = await do(desk, acts.ask(us, case, Ask(to="stock@depot.example", text="In stock?"), WHO))
    question = await desk.one("SELECT * FROM messages WHERE id = :id", id=said.id)
    assert (question["kind"], question["direction"]) == ("note", "out")
    assert "In stock?\n\n> It has been a week." in question["text"]
    out = await desk.count("outbox")
    receipt = await answers(
        desk, question["reply_to"], "stock@depot.example", "Two left.", vouched=""
    )
    note = await stored(desk, receipt)
    assert (note["kind"], note["direction"], note["case_id"]) == ("note", "in", case)
    assert await desk.count("outbox") == out, "neither the customer nor the department is answered"
    assert len(await desk.rows("SELECT 1 FROM identities")) == 1
    assert await refused(desk) == []
    robot = await answers(desk, question["reply_to"], "stock@depot.example", "Away.",
                          Auto_Submitted="auto-replied")  # fmt: skip
    assert (await stored(desk, robot))["kind"] == "note"
    reply = await do(desk, acts.reply(us, case, Reply(text="We have two."), (), WHO))
    row = await desk.one("SELECT * FROM messages WHERE id = :id", id=reply.id)
    assert question["message_id"] not in row["references"]


async def test_a_colleague_is_asked_by_name_and_the_customer_never(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    case = (await desk.one("SELECT id FROM cases"))["id"]
    us = rules.desk(desk.config, KEYS)
    said = await do(desk, acts.ask(us, case, Ask(to="KEN", text="?", quote=False), WHO))
    assert [one.address for one in said.to] == [KEN]
    for nobody in (YUKI, "support@example.com", "no address"):
        done = await desk.store.change(acts.ask(us, case, Ask(to=nobody, text="?"), WHO))
        assert isinstance(done, Refused), nobody


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Hello\nmailto:AIKO@corp.example", "Hello"),
        (f"See support+{KEYS.token(1, 2, AIKO)}@example.com please", "See  please"),
        (f"<{KEYS.token(1, 2, AIKO)}@example.com>", ""),
        ("in version 1.2.3 of it", "in version 1.2.3 of it"),
    ],
)
def test_what_tells_of_the_colleague_is_taken_out(text: str, left: str) -> None:
    assert for_customer(text, AIKO) == left
