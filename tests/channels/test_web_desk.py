"""What visitors of our pages bring, at the desk: who they are, what is kept, what they see of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from channels.base import Host
from channels.web import Web
from channels.web.settings import WebSettings
from gateway.readers import TooSlow
from store.past import Past
from store.said import Inbox
from tests.channels.web_peer import HANA, YUKI, asking, form, multipart, said, uploading, writing
from tests.making import CONFIG, Desk, mail, opened, until

WEB = """
[[channel]]
name = "web"
type = "web"
"""
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 400_000  # larger than what the database itself keeps


@asynccontextmanager
async def counter(folder: Path, more: str = "") -> AsyncIterator[tuple[Desk, Web]]:
    """A desk with its window open."""
    async with opened(folder, CONFIG + WEB + more) as desk:
        settings = desk.config.channels[1]
        assert isinstance(settings, WebSettings)
        host = Host(
            "mx.example", folder, past=partial(Past, desk.store), inbox=partial(Inbox, desk.store)
        )
        channel = Web(settings, host, now=desk.clock)
        task = asyncio.ensure_future(channel.receive(desk.ingest.accept))
        await until(lambda: asyncio.sleep(0, channel.ready))
        try:
            yield desk, channel
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def sent(desk: Desk, channel: Web) -> None:
    """Let everything leave that is due."""
    deliver = desk.deliver(channels={"web": channel, "mail": desk.wire})
    running = asyncio.ensure_future(deliver.run("web"))
    left = (
        "SELECT count(*) AS n FROM outbox WHERE state IN ('queued', 'sending') AND channel = 'web'"
    )

    async def is_empty() -> bool:
        return bool((await desk.one(left))["n"] == 0)

    await until(is_empty)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def texts(channel: Web, token: str = YUKI) -> list[tuple[bool, str]]:
    shown = said(await channel.answer(asking("messages", token)))
    return [(one["ours"], one["text"]) for one in shown["messages"]]


async def test_a_visitor_writes_and_sees_the_acknowledgement(tmp_path: Path) -> None:
    async with counter(tmp_path) as (desk, channel):
        first = said(await channel.answer(writing("m-1", "荷物が届きません")))
        second = said(await channel.answer(writing("m-2", "注文番号は A-17 です")))
        assert await texts(channel) == [
            (False, "荷物が届きません"),
            (False, "注文番号は A-17 です"),
        ]
        await sent(desk, channel)
        shown = await texts(channel)
        assert await texts(channel, HANA) == []
    assert first["reference"] == second["reference"] != ""
    assert [ours for ours, _ in shown] == [False, True, False]
    assert first["reference"] in shown[1][1]
    assert "メッセージありがとうございます" in shown[1][1]


async def test_a_typed_address_joins_nobody_and_is_written_to_by_nobody(tmp_path: Path) -> None:
    """The owner of an address keeps a conversation of its own, whoever types it into a form."""
    async with counter(tmp_path) as (desk, channel):
        await desk.accept(mail(vouched="example.jp"))
        facts = {
            "email": "yuki@example.jp",
            "name": "Yuki",
            "message": "my parcel",
            "order": "A-17",
        }
        assert (await channel.answer(form(facts))).status == 303
        people = await desk.rows("SELECT address, customer_id FROM identities ORDER BY id")
        (kept,) = await desk.rows(
            "SELECT reading FROM messages WHERE channel = 'web' AND direction = 'in'"
        )
        written = await desk.rows(
            "SELECT channel, recipients FROM messages WHERE direction = 'out' ORDER BY id"
        )
    assert people[0]["address"] == "email:yuki@example.jp"
    assert people[1]["address"].startswith("web:")
    assert len({one["customer_id"] for one in people}) == len(people) == 2
    assert json.loads(kept["reading"])["form"] == {
        "name": "Yuki", "email": "yuki@example.jp", "order": "A-17",
    }  # fmt: skip
    assert [one["channel"] for one in written] == ["mail", "web"]
    assert "yuki" not in written[1]["recipients"]


async def test_the_same_message_again_is_stored_once(tmp_path: Path) -> None:
    async with counter(tmp_path) as (desk, channel):
        ends = await asyncio.gather(*(channel.answer(writing("m-1")) for _ in range(5)))
        hers = await channel.answer(writing("m-1", token=HANA))
        assert await desk.count("cases") == 2
    assert sorted(end.status for end in ends) == [200, 200, 200, 200, 201]
    assert hers.status == 201


async def test_a_photo_can_be_fetched_by_its_visitor_alone(tmp_path: Path) -> None:
    body = multipart(("id", None, b"m-000001"), ("file", "box.png", PNG))
    async with counter(tmp_path) as (_, channel):
        shown = said(await channel.answer(uploading(body)))
        (file,) = shown["messages"][0]["files"]
        assert (file["name"], file["type"], file["size"]) == ("box.png", "image/png", len(PNG))
        assert (await channel.answer(asking(f"files/{file['id']}"))).body == PNG
        assert (await channel.answer(asking(f"files/{file['id']}", HANA))).status == 404


@pytest.mark.parametrize("state", ["draft", "queued", "deferred"])
async def test_what_was_not_handed_over_is_not_shown(tmp_path: Path, state: str) -> None:
    async with counter(tmp_path) as (desk, channel):
        await channel.answer(writing("m-1"))
        await desk.change("UPDATE outbox SET state = :state", state=state)
        assert [ours for ours, _ in await texts(channel)] == [False]


async def test_what_colleagues_write_to_each_other_is_not_shown(tmp_path: Path) -> None:
    async with counter(tmp_path) as (desk, channel):
        await channel.answer(writing("m-1"))
        await sent(desk, channel)
        await desk.change("UPDATE messages SET kind = 'note' WHERE direction = 'out'")
        assert [ours for ours, _ in await texts(channel)] == [False]


async def test_in_mode_approve_nothing_is_shown_before_a_person_says_so(tmp_path: Path) -> None:
    async with counter(tmp_path, 'mode = "approve"\n') as (_, channel):
        shown = said(await channel.answer(writing("m-1")))
        assert [one["ours"] for one in shown["messages"]] == [False]
        assert shown["reference"]


async def test_a_button_that_was_pressed_belongs_to_the_case_of_its_message(tmp_path: Path) -> None:
    async with counter(tmp_path) as (desk, channel):
        await channel.answer(writing("m-1"))
        await sent(desk, channel)
        ack = said(await channel.answer(asking("messages")))["messages"][1]["id"]
        pressed: dict[str, Any] = {"pressed": "person", "answers": ack}
        await channel.answer(writing("m-2", "Talk to a person", **pressed))
        assert await desk.count("cases") == 1
        row = await desk.one("SELECT in_reply_to, text FROM messages WHERE message_id LIKE '%m-2'")
    assert row == {"in_reply_to": ack, "text": "Talk to a person"}


async def test_what_is_no_matter_of_its_own_can_be_read_later(tmp_path: Path) -> None:
    """A code that a busy desk had no time to read at once still connects who shows it."""
    offering = '\n[acknowledge]\noffer = ["mail"]\n'
    async with counter(tmp_path, offering) as (desk, channel):
        await channel.answer(writing("m-1"))
        offer = await desk.one("SELECT text FROM messages WHERE kind = 'acknowledgement'")
        found = re.search(r"MG(?:-\w{5}){3}", offer["text"])
        assert found
        desk.inline.troubles.append(TooSlow())
        shown = await desk.accept(mail(subject="", body=found[0], vouched="example.jp"))
        unread = await desk.one("SELECT status FROM messages WHERE id = :id", id=shown.message)
        assert unread["status"] == "unread"
        await desk.backlog._look()
        after = await desk.one("SELECT status FROM messages WHERE id = :id", id=shown.message)
        assert after["status"] == "stored"
        assert (await desk.one("SELECT count(DISTINCT customer_id) AS n FROM identities"))["n"] == 1
        assert await desk.count("ledger") == 2
