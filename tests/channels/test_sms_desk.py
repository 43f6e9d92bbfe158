"""Text messages and WhatsApp at the desk: who opts out, who presses, and how ours fared."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from channels.base import Receipt
from channels.sms.call import unit
from channels.whatsapp.call import take_apart
from tests.channels import graph_double, twilio_double
from tests.channels.twilio_double import ACCOUNT, DESK, YUKI, incoming
from tests.making import CONFIG, NOON, Desk, opened

CHANNELS = f"""
[[channel]]
name = "sms"
type = "sms"
account_sid = "{ACCOUNT}"
auth_token = {{ file = "secret" }}
sender = "{DESK}"
public_url = "https://help.example.com"

[[channel]]
name = "wa"
type = "whatsapp"
phone_number_id = "{graph_double.NUMBER}"
access_token = {{ file = "secret" }}
app_secret = {{ file = "secret" }}
verify_token = {{ file = "secret" }}
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "secret").write_text("a-secret-word")
    async with opened(tmp_path, CONFIG + CHANNELS) as made:
        yield made


async def text(desk: Desk, said: str, number: int, **more: str) -> Receipt:
    return await _take(desk, incoming(said, number, **more))


async def _take(desk: Desk, fields: dict[str, str]) -> Receipt:
    facts: dict[str, Any] = {"channel": "sms", "format": "sms", "received_at": NOON}
    return await desk.accept(urlencode(fields).encode(), unit=unit(fields), **facts)


async def whatsapp(desk: Desk, octets: bytes) -> list[Receipt]:
    batch = take_apart(octets, graph_double.NUMBER)
    assert batch
    facts: dict[str, Any] = {"channel": "wa", "format": "whatsapp", "received_at": NOON}
    return [await desk.accept(one.raw, unit=one.unit, **facts) for one in batch.events]


async def outgoing(desk: Desk) -> list[dict[str, Any]]:
    return await desk.rows("SELECT channel, text FROM messages WHERE direction = 'out' ORDER BY id")


async def kinds_of_events(desk: Desk) -> list[str]:
    return [row["type"] for row in await desk.rows("SELECT type FROM events ORDER BY cursor")]


async def test_a_text_is_a_case_and_is_acknowledged_in_its_short_form(desk: Desk) -> None:
    await text(desk, "注文が届きません", 1)
    await text(desk, "いつ届きますか", 2)
    assert await desk.count("cases") == 1
    (sent,) = await outgoing(desk)
    assert sent["channel"] == "sms"
    assert len(sent["text"]) < 300


async def test_who_opts_out_hears_nothing_and_is_failing_until_they_write(desk: Desk) -> None:
    await text(desk, "hello, where is my order?", 1)
    assert len(await outgoing(desk)) == 1
    await text(desk, "STOP", 2)
    assert "address.failing" in await kinds_of_events(desk)
    assert await desk.count("identities WHERE failing_since IS NOT NULL") == 1
    await text(desk, "START", 3)
    assert await desk.count("identities WHERE failing_since IS NOT NULL") == 0
    assert (await desk.count("cases"), len(await outgoing(desk))) == (1, 1)
    kept = await desk.rows("SELECT text FROM messages WHERE direction = 'in' ORDER BY id")
    assert [row["text"] for row in kept][1:] == ["STOP", "START"], "nothing of it is lost"


async def test_a_stop_from_somebody_who_never_wrote_answers_nobody(desk: Desk) -> None:
    assert (await text(desk, "STOP", 1)).outcome == "refused"
    assert await outgoing(desk) == []


async def test_who_asks_for_help_is_a_case_without_a_second_answer(desk: Desk) -> None:
    await text(desk, "HELP", 1)
    assert (await desk.count("cases"), await outgoing(desk)) == (1, [])


@pytest.mark.parametrize("sender", ["Example", "12345"])
async def test_a_name_is_stored_and_never_answered(desk: Desk, sender: str) -> None:
    await text(desk, "Your code is 4711", 1, From=sender)
    assert await desk.count("messages WHERE direction = 'in'") == 1
    assert await outgoing(desk) == []


async def test_our_own_number_is_no_customer(desk: Desk) -> None:
    await text(desk, "hello", 1, From=DESK)
    assert await outgoing(desk) == []


async def test_a_refused_text_is_failed_and_its_number_is_marked(desk: Desk) -> None:
    await text(desk, "hello, where is my order?", 1)
    sent = twilio_double.sid(77)
    await desk.change(
        "UPDATE outbox SET state = 'sent', peer_id = :p WHERE channel = 'sms'", p=f"sms:{sent}"
    )
    await _take(desk, twilio_double.status("undelivered", 77, ErrorCode="30005"))
    row = await desk.one("SELECT state, error FROM outbox WHERE channel = 'sms'")
    assert (row["state"], "30005" in row["error"]) == ("failed", True)
    assert await desk.count("identities WHERE failing_since IS NOT NULL") == 1
    assert "delivery.failed" in await kinds_of_events(desk)


async def test_the_same_person_by_text_and_by_whatsapp_is_one_customer(desk: Desk) -> None:
    """WhatsApp knows whose number it is."""
    await text(desk, "hello, where is my order?", 1)
    await whatsapp(desk, graph_double.body(graph_double.message(1, YUKI[1:])))
    await whatsapp(desk, graph_double.body(graph_double.message(2, "819000000000")))
    owners = await desk.rows("SELECT address, customer_id FROM identities")
    found = {row["address"]: row["customer_id"] for row in owners}
    assert found[f"tel:{YUKI}"] == found[f"whatsapp:{YUKI[1:]}"]
    assert found["whatsapp:819000000000"] != found[f"tel:{YUKI}"]


async def test_what_is_edited_and_deleted_stands_beside_the_first_words(desk: Desk) -> None:
    await whatsapp(desk, graph_double.body(graph_double.message(1)))
    first = graph_double.message(1)["id"]
    inner = {"type": "text", "text": {"body": "the blue one"}}
    edit = {"original_message_id": first, "message": inner}
    await whatsapp(desk, graph_double.body(graph_double.message(2, edit=edit)))
    gone = {"original_message_id": first}
    await whatsapp(desk, graph_double.body(graph_double.message(3, revoke=gone)))
    rows = await desk.rows(
        "SELECT text, case_id, reading FROM messages WHERE direction = 'in' ORDER BY id"
    )
    assert [row["text"] for row in rows] == ["hello", "the blue one", ""]
    assert len({row["case_id"] for row in rows}) == 1
    assert "the customer deleted it" in json.loads(rows[2]["reading"])["defects"]
    assert (await kinds_of_events(desk)).count("message.edited") == 2
    assert await desk.count("cases") == 1


async def test_stickers_and_reactions_open_no_case_and_what_is_unknown_does(desk: Desk) -> None:
    sticker = {"id": "9", "mime_type": "image/webp"}
    await whatsapp(desk, graph_double.body(graph_double.message(1, sticker=sticker)))
    reaction = {"message_id": "wamid.X", "emoji": "👍"}
    await whatsapp(desk, graph_double.body(graph_double.message(2, reaction=reaction)))
    assert await desk.count("cases") == 0
    poll = graph_double.message(3, unsupported={"type": "poll_creation"})
    await whatsapp(desk, graph_double.body(poll))
    (case,) = await desk.rows("SELECT subject FROM cases")
    (row,) = await desk.rows("SELECT text FROM messages WHERE text LIKE '[poll%'")
    assert row["text"] == "[poll_creation: this kind of message cannot be shown here]"
    assert case
