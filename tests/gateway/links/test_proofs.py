"""A code that one address was given, shown by another, and nothing less, makes them one person."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from channels import load
from channels.base import Receipt
from gateway.config.errors import ConfigError
from gateway.links.proofs import digest, new_code, says_more, written
from normalizer.message import Message
from tests.making import CONFIG, Desk, configure, envelope, mail, opened

BOTH = (
    CONFIG.replace("[store]", '[acknowledge]\noffer = ["bot", "mail"]\n[store]')
    + """
[[channel]]
name = "bot"
type = "telegram"
token = { file = "token" }
username = "@example_bot"
"""
)
NUMBERS = count(100)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "token").write_text("4711:abc")
    async with opened(tmp_path, BOTH) as desk:
        yield desk


async def chats(desk: Desk, text: str, who: int = 4711_4711, **more: Any) -> Receipt:
    """One update of the bot."""
    number = next(NUMBERS)
    sender = {"id": who, "is_bot": False, "first_name": "Yuki", "language_code": "en"}
    found = {
        "message_id": number, "from": sender, "chat": {"id": who, "type": "private"},
        "date": int(desk.clock().timestamp()), "text": text,
    }  # fmt: skip
    update = json.dumps({"update_id": number, "message": found | more}).encode()
    return await desk.ingest.accept(
        replace(envelope(update), channel="bot", format="telegram", unit=f"update {number}",
                received_at=desk.clock())
    )  # fmt: skip


async def writes(desk: Desk, sender: str = "yuki@example.jp", **more: Any) -> Receipt:
    """A mail for whose author our relay vouches."""
    vouched = more.pop("vouched", sender.rpartition("@")[2])
    return await desk.accept(mail(f"Yuki <{sender}>", vouched=vouched, **more), sender)


async def offered(desk: Desk, receipt: Receipt) -> str:
    """The code in the acknowledgement of a message; "" where none is offered."""
    row = await desk.one(
        "SELECT a.text FROM messages a JOIN messages m ON m.case_id = a.case_id "
        "WHERE m.id = :id AND a.kind = 'acknowledgement'",
        id=receipt.message,
    )
    found = re.search(r"MG(?:-\w{5}){3}", row["text"])
    return found[0] if found else ""


async def customers(desk: Desk) -> dict[str, int]:
    found = await desk.rows("SELECT address, customer_id FROM identities")
    return {row["address"]: row["customer_id"] for row in found}


async def homes(desk: Desk) -> list[dict[str, Any]]:
    """Where every message of a customer stands, beside whose it is."""
    return await desk.rows(
        "SELECT m.id, m.conversation_id, c.id AS own FROM messages m "
        "JOIN identities i ON i.id = m.identity_id "
        "JOIN conversations c ON c.customer_id = i.customer_id"
    )


async def test_a_link_in_the_acknowledgement_makes_mail_and_chat_one_conversation(
    desk: Desk,
) -> None:
    first = await writes(desk)
    code = await offered(desk, first)
    assert (
        f"https://t.me/example_bot?start={code}"
        in (await desk.one("SELECT text FROM messages WHERE kind = 'acknowledgement'"))["text"]
    )
    await chats(desk, f"/start {code}")
    found = await customers(desk)
    assert found["telegram:47114711"] == found["email:yuki@example.jp"]
    again = await chats(desk, "It is still not here.")
    rows = await homes(desk)
    assert {row["conversation_id"] for row in rows} == {rows[0]["own"]}
    cases = await desk.rows(
        "SELECT DISTINCT case_id FROM messages WHERE direction = 'in' AND case_id > 0"
    )
    assert len(cases) == 1, "the chat goes on with the case that the mail opened"
    assert again.outcome == "accepted"
    link = await desk.one("SELECT * FROM links")
    assert (link["kind"], link["evidence"]) == ("merge", "proof")


async def test_both_hear_of_it_on_their_own_channel(desk: Desk) -> None:
    code = await offered(desk, await writes(desk))
    await chats(desk, f"/start {code}")
    told = await desk.rows(
        "SELECT m.channel, m.text, m.recipients FROM messages m WHERE kind = 'notice' ORDER BY id"
    )
    assert [(row["channel"], json.loads(row["recipients"])["to"][0][1]) for row in told] == [
        ("bot", "47114711"),
        ("mail", "yuki@example.jp"),
    ]
    assert "go on here" in told[0]["text"]
    assert "by Telegram" in told[1]["text"]
    assert "separate the two again" in told[1]["text"]


async def test_it_works_once_and_for_nobody_else(desk: Desk) -> None:
    code = await offered(desk, await writes(desk))
    await chats(desk, f"/start {code}", who=1)
    await chats(desk, f"/start {code}", who=2)
    found = await customers(desk)
    assert found["telegram:1"] == found["email:yuki@example.jp"]
    assert found["telegram:2"] != found["email:yuki@example.jp"]
    assert await desk.count("links") == 1


async def test_it_works_for_a_day(desk: Desk) -> None:
    code = await offered(desk, await writes(desk))
    desk.clock.advance(hours=24, seconds=1)
    await chats(desk, f"/start {code}")
    assert await desk.count("links") == 0


@pytest.mark.parametrize("vouched", ["", "elsewhere.example"])
async def test_a_from_that_nobody_vouches_for_shows_nothing(desk: Desk, vouched: str) -> None:
    code = await offered(desk, await chats(desk, "Where is my parcel?"))
    await writes(desk, "thief@example.org", subject=code, vouched=vouched)
    assert await desk.count("links") == 0
    await writes(desk, "yuki@example.jp", subject=code)
    found = await customers(desk)
    assert found["telegram:47114711"] == found["email:yuki@example.jp"] != found.get("thief")


async def test_a_code_with_a_question_connects_and_is_answered(desk: Desk) -> None:
    code = await offered(desk, await chats(desk, "Where is my parcel?"))
    await writes(desk, subject=code, body="And here is the photo of the label, as you asked.")
    assert await desk.count("links") == 1
    assert await desk.count("messages WHERE kind = 'acknowledgement'") == 2
    assert await desk.count("cases") == 2


async def test_who_passes_the_acknowledgement_on_connects_nobody(desk: Desk) -> None:
    """A friend, a colleague in Cc: their own mail, with all of ours below it, however quoted."""
    await writes(desk)
    ours = await desk.one("SELECT text FROM messages WHERE kind = 'acknowledgement'")
    for n, words in enumerate(("", "What is this?\n\n", "-----Original Message-----\n")):
        body = f"{words}{ours['text']}"
        await writes(desk, f"friend{n}@x{n}.example", subject="Fwd: your mail", body=body)
    assert await desk.count("links") == 0


async def test_a_bare_code_is_no_matter_of_its_own(desk: Desk) -> None:
    code = await offered(desk, await writes(desk))
    await chats(desk, code.lower())
    assert await desk.count("links") == 1
    assert await desk.count("cases") == 1


async def test_a_stranger_is_offered_nothing(desk: Desk) -> None:
    assert not await offered(desk, await writes(desk, vouched=""))
    assert await desk.count("proofs") == 0


async def test_who_is_connected_is_not_offered_it_again(desk: Desk) -> None:
    code = await offered(desk, await writes(desk))
    await chats(desk, f"/start {code}")
    assert not await offered(desk, await writes(desk, subject="Another matter", body="My lamp."))


async def test_a_reference_on_another_channel_is_offered_the_proof_and_nothing_else(
    desk: Desk,
) -> None:
    await writes(desk)
    (case,) = await desk.rows("SELECT reference FROM cases")
    said = await chats(desk, f"I am {case['reference']}, what about my parcel?")
    assert await offered(desk, said)
    found = await customers(desk)
    assert found["telegram:47114711"] != found["email:yuki@example.jp"]
    assert [row for row in await homes(desk) if row["conversation_id"] != row["own"]] == []


async def test_undone_everything_is_where_it_was(desk: Desk) -> None:
    from gateway.desk.speak import Who
    from gateway.links.join import undo
    from store.inbound import flush

    code = await offered(desk, await writes(desk))
    await chats(desk, "Hello, it is me.")
    before = {row["id"]: row["conversation_id"] for row in await homes(desk)}
    await chats(desk, f"/start {code}")
    link = await desk.one("SELECT id FROM links")

    def part(connection: Any, changes: Any) -> None:
        undo(connection, changes, link["id"], Who("Ken", "", desk.clock()))
        flush(connection, changes)

    await desk.store.write(part)
    rows = await homes(desk)
    assert [row for row in rows if row["conversation_id"] != row["own"]] == []
    assert before.items() <= {row["id"]: row["conversation_id"] for row in rows}.items()


async def test_the_store_keeps_no_code(desk: Desk) -> None:
    code = await offered(desk, await writes(desk))
    assert (await desk.one("SELECT sha256 FROM proofs"))["sha256"] == digest(code)


def test_a_code_is_found_as_people_pass_it_on() -> None:
    code = new_code()
    for text in (code, code.lower(), f"/start {code}", f"\n{code}.\nMy parcel!", f"「{code}」"):
        message = Message(text=text, reply_text=text)
        assert written(message) == digest(code), text
    for text in (
        "",
        "MG-12345",
        f"{code}-ABCDE",
        f"X{code}",
        code.replace("-", ""),
        f"I got {code}",
    ):
        assert not written(Message(text=text, reply_text=text)), text


def test_what_stands_beside_a_code_is_read() -> None:
    code = new_code()
    assert not says_more(Message(text=f"/start {code}\n--"))
    assert says_more(Message(text=f"{code} 届きません"))


@pytest.mark.parametrize(
    ("kind", "keys", "link"),
    [
        ("telegram", {"username": "@example_bot"}, "https://t.me/example_bot?start=MG-A"),
        ("telegram", {"username": ""}, ""),
        ("line", {"basic_id": "@example"}, "https://line.me/R/oaMessage/%40example/?MG-A"),
        ("line", {"basic_id": ""}, ""),
        ("whatsapp", {"phone_number": "+819012345678"}, "https://wa.me/819012345678?text=MG-A"),
        ("sms", {"sender": "+819012345678"}, "sms:+819012345678?body=MG-A"),
        ("smtp", {"addresses": ("a@x.example",)}, "mailto:a@x.example?subject=MG-A"),
    ],
)
def test_a_link_opens_the_other_channel_with_the_code(
    kind: str, keys: dict[str, Any], link: str
) -> None:
    settings = load(kind).Settings.model_construct(name="it", type=kind, **keys)
    assert settings.invites("MG-A") == link
    assert settings.title


def test_codes_do_not_repeat() -> None:
    assert len({new_code() for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('offer = ["bat"]', 'there is no channel \'bat\'; there are: "mail", "bot"'),
        ('offer = ["mail", "bot"]', "nobody can be invited to 'bot'"),
    ],
)
def test_an_offer_that_leads_nowhere_is_told_with_its_line(
    tmp_path: Path, wrong: str, said: str
) -> None:
    (tmp_path / "token").write_text("4711:abc")
    text = BOTH.replace('offer = ["bot", "mail"]', wrong).replace('username = "@example_bot"', "")
    with pytest.raises(ConfigError) as error:
        configure(tmp_path, text)
    (problem,) = error.value.problems
    assert said in problem.message
    assert text.splitlines()[problem.line - 1] == wrong
