"""What LINE brings, at the desk: cases, parts to fetch, and what opens none."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from channels.base import Receipt
from channels.line.event import take_apart
from tests.channels.line_double import Platform, call
from tests.making import CONFIG, NOON, Desk, opened

TALK = """
[[channel]]
name = "talk"
type = "line"
channel_secret = { file = "secret" }
access_token = { file = "secret" }
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    async with opened(tmp_path, CONFIG + TALK) as made:
        yield made


async def take(desk: Desk, event: dict[str, Any]) -> Receipt:
    batch = take_apart(call(event))
    assert batch
    (one,) = batch.events
    facts: dict[str, Any] = {
        "channel": "talk",
        "format": "line",
        "unit": one.unit,
        "received_at": NOON,
    }
    return await desk.accept(one.raw, **facts)


async def test_an_album_is_one_case_with_pictures_to_fetch(desk: Desk) -> None:
    line = Platform()
    for id_ in ("101", "102"):
        image = {"type": "image", "id": id_, "imageSet": {"id": "E005", "index": 1, "total": 2}}
        await take(desk, line.event(message=image))
    assert await desk.count("cases") == 1
    parts = await desk.rows("SELECT content_type, source FROM parts ORDER BY source")
    assert [(part["content_type"], part["source"]) for part in parts] == [
        ("image/jpeg", "101"),
        ("image/jpeg", "102"),
    ]
    (sent,) = await desk.rows("SELECT text, channel FROM messages WHERE direction = 'out'")
    assert sent["channel"] == "talk"


async def test_a_new_friend_opens_no_case_and_hears_nothing(desk: Desk) -> None:
    await take(desk, Platform().event(type="follow", message=None))
    assert await desk.count("cases") == 0
    assert await desk.count("outbox") == 0


async def test_what_is_unsent_stays_and_is_marked(desk: Desk) -> None:
    line = Platform()
    said = line.event("my card number is 1234")
    first = await take(desk, said)
    unsent = {"messageId": said["message"]["id"]}
    await take(desk, line.event(type="unsend", unsend=unsent, message=None))
    rows = await desk.rows("SELECT id, text, case_id, reading FROM messages WHERE direction = 'in'"
                           " ORDER BY id")  # fmt: skip
    kept, mark = rows
    assert (kept["id"], kept["text"]) == (first.message, "my card number is 1234")
    assert mark["case_id"] == kept["case_id"]
    assert "the customer unsent it" in json.loads(mark["reading"])["defects"]


async def test_a_second_person_has_a_conversation_of_their_own(desk: Desk) -> None:
    line = Platform()
    await take(desk, line.event("one"))
    await take(desk, line.event("two", user="U" + "b" * 32))
    assert await desk.count("conversations") == 2
