"""The channel `http`: who is let in, what is answered, and what an answer to us means."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import (
    ChannelDown,
    DeliveryError,
    Host,
    InDoubt,
    Receipt,
    Rejected,
    Request,
    Response,
    Retry,
    Unavailable,
)
from channels.http_channel import Http
from channels.standard_webhooks import key_of, verified
from channels.testing import call
from normalizer.message import Address, Button, Envelope, Message, Part, Spooled
from tests.channels.http_peer import KEY, SECRET, Other, event, http_settings, other, request
from tests.channels.smtp_sink import made_certificates
from tests.making import NOON

OLD = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
HELLO = Message(to=(Address("Yuki", "u-17"),), text="We have it.", message_id="t@desk.example")


class Store:
    """Takes what comes, once; `receipt` or an exception is what it says."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.says: Receipt | Exception | None = None

    async def accept(self, envelope: Envelope) -> Receipt:
        if isinstance(self.says, Exception):
            raise self.says
        known = envelope.unit in {one.unit for one in self.taken}
        if not known:
            self.taken.append(envelope)
        return self.says or Receipt(7, "duplicate" if known else "accepted")


@asynccontextmanager
async def receiving(folder: Path, store: Store, **more: Any) -> AsyncIterator[Http]:
    channel = Http(http_settings(**more), Host("mx.example", folder))
    task = asyncio.ensure_future(channel.receive(store.accept))
    await asyncio.sleep(0)
    assert channel.ready
    try:
        yield channel
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await channel.close()


def said(response: Response) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(response.body)
    return found


async def test_what_is_stored_is_answered_200_with_its_number(tmp_path: Path) -> None:
    store = Store()
    async with receiving(tmp_path, store) as channel:
        response = await channel.answer(request("w-1", event("hello")))
    assert (response.status, said(response)) == (200, {"outcome": "accepted", "message": 7})
    (envelope,) = store.taken
    assert (envelope.unit, envelope.format, envelope.channel) == ("w-1", "http", "shop")
    assert envelope.raw == event("hello")
    assert envelope.transport.peer == "192.0.2.9"


async def test_a_replay_is_no_second_message(tmp_path: Path) -> None:
    store = Store()
    async with receiving(tmp_path, store) as channel:
        ends = [await channel.answer(request("w-1", event("hello"))) for _ in range(2)]
    assert [said(end)["outcome"] for end in ends] == ["accepted", "duplicate"]
    assert len(store.taken) == 1


async def test_w01_an_old_or_bent_request_is_401_and_nothing_is_stored(tmp_path: Path) -> None:
    store, body = Store(), event("hello")
    old = datetime.now(UTC) - timedelta(minutes=6)
    bent = request("w-1", body)._replace(body=body.replace(b"hello", b"hellp"))
    async with receiving(tmp_path, store) as channel:
        for one in (request("w-1", body, at=old), bent, bent._replace(headers={})):
            response = await channel.answer(one)
            assert response.status == 401
            assert dict(response.headers)["Content-Type"] == "application/problem+json"
    assert store.taken == []


async def test_the_old_secret_holds_beside_the_new(tmp_path: Path) -> None:
    body = event("hello")
    async with receiving(tmp_path, Store(), old_secret=OLD) as channel:
        for key in (KEY, key_of(OLD)):
            assert (await channel.answer(request(f"{key!r}"[:9], body, key))).status == 200


async def test_a_fault_names_its_field(tmp_path: Path) -> None:
    async with receiving(tmp_path, Store()) as channel:
        response = await channel.answer(request("w-1", b'{"type":"message","from":{"id":7}}'))
    assert response.status == 400
    assert said(response)["field"] == "from.id"
    assert "from.id" in said(response)["detail"]


async def test_a_large_event_is_a_synced_file_and_a_larger_one_413(tmp_path: Path) -> None:
    store = Store()
    file = {"filename": "a", "data": base64.b64encode(b"x" * 300_000).decode()}
    async with receiving(tmp_path, store, max_size=500_000) as channel:
        assert await call(channel, request("w-1", event("see", attachments=[file]))) == 200
        assert await call(channel, request("w-2", event("x" * 500_001))) == 413
    (envelope,) = store.taken
    assert isinstance(envelope.raw, Spooled)
    assert list((tmp_path / "spool").iterdir()) == []


async def test_trouble_of_ours_goes_on_to_whoever_says_503(tmp_path: Path) -> None:
    """I22: and no file is left of it."""
    store = Store()
    store.says = Unavailable()
    async with receiving(tmp_path, store) as channel:
        assert await call(channel, request("w-1", event("x" * 300_000))) == 503
    assert await call(channel, request("w-1", event("after the end"))) == 503
    assert list((tmp_path / "spool").iterdir()) == []


async def test_what_the_rules_refuse_is_422_with_the_reason(tmp_path: Path) -> None:
    store = Store()
    store.says = Receipt(0, "refused", "a report about nothing that we sent")
    async with receiving(tmp_path, store) as channel:
        response = await channel.answer(request("w-1", event("x")))
    assert (response.status, said(response)["detail"]) == (422, store.says.reason)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "", 405), ("POST", "/x", 404)])
async def test_other_doors_are_shut(tmp_path: Path, method: str, path: str, status: int) -> None:
    async with receiving(tmp_path, Store()) as channel:
        response = await channel.answer(Request(method, path, "", {}, b"", ""))
    assert response.status == status


@asynccontextmanager
async def posting(**more: Any) -> AsyncIterator[tuple[Other, Http]]:
    async with other() as it:
        host = Host("mx.example", Path())
        channel = Http(http_settings(it.port, **more), host, clock=lambda: NOON)
        yield it, channel
        await channel.close()


async def test_a_message_is_posted_signed(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"pdf")
    facts: dict[str, Any] = {"role": "attachment", "content_type": "a/b", "size": 3, "sha256": ""}
    parts = tuple(Part(**facts, data=d) for d in (b"png", Spooled(str(path), 3, "")))
    letter = Message(
        kind="reply", to=(Address("Yuki", "u-17"),), text="We have it.", language="en",
        subject="Order", in_reply_to="m-1", message_id="t@desk.example", parts=parts,
        buttons=(Button("Solved", "solved"),),
    )  # fmt: skip
    async with posting() as (it, channel):
        assert (await channel.send(letter, "key-1")).peer_id == "theirs-1"
    (post,) = it.posts
    assert verified((KEY,), post.headers, post.body, NOON) == "key-1"
    files = post.event.pop("attachments")
    assert [base64.b64decode(file["data"]) for file in files] == [b"png", b"pdf"]
    assert {name: value for name, value in post.event.items() if name != "attachments"} == {
        "type": "message", "id": "t@desk.example", "kind": "reply",
        "to": {"id": "u-17", "name": "Yuki"}, "subject": "Order", "text": "We have it.",
        "html": "", "language": "en", "reply_to": "m-1",
        "buttons": [{"label": "Solved", "data": "solved", "url": ""}],
    }  # fmt: skip


async def test_without_an_id_of_theirs_reports_come_by_ours() -> None:
    for body in (b"", b"fine", b"[]", b"{" * 100_000):
        async with posting() as (it, channel):
            it.says(200, body)
            assert (await channel.send(HELLO, "key-1")).peer_id == "t@desk.example"


@pytest.mark.parametrize(
    ("status", "body", "outcome", "reason"),
    [
        (500, b"", Retry, ""),
        (503, b"", Retry, ""),
        (429, b"", Retry, ""),
        (408, b"", Retry, ""),
        (401, b"", ChannelDown, ""),
        (302, b"", ChannelDown, ""),
        (410, b'{"reason": "address_dead"}', Rejected, "address_dead"),
        (404, b'{"reason": "address_dead"}', Rejected, "address_dead"),
        (404, b"<html>", Rejected, "content"),
        (422, b'{"reason": "address_dead"}', Rejected, "content"),
    ],
)
async def test_each_answer_has_its_end(
    status: int, body: bytes, outcome: type[DeliveryError], reason: str
) -> None:
    async with posting() as (it, channel):
        it.says(status, body, f"Location: http://127.0.0.1:{it.port}/elsewhere")
        with pytest.raises(outcome) as error:
            await channel.send(HELLO, "key-1")
    assert type(error.value) is outcome
    assert getattr(error.value, "reason", "") == reason
    assert len(it.posts) == 1  # a redirect is not followed


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("90", 90),
        ("99999999999999", 86400),
        ("Tue, 24 Nov 2026 05:00:00 GMT", 7200),
        ("Tue, 24 Nov 2026 01:00:00 GMT", 0),
    ],
)
async def test_the_other_side_may_name_its_pause(header: str, seconds: int) -> None:
    async with posting() as (it, channel):
        it.says(503, b"", f"Retry-After: {header}")
        with pytest.raises(Retry) as error:
            await channel.send(HELLO, "key-1")
    assert error.value.after == timedelta(seconds=seconds)


async def test_a_pause_that_nobody_understands_is_ours_to_choose() -> None:
    async with posting() as (it, channel):
        it.says(503, b"", "Retry-After: soon")
        with pytest.raises(Retry) as error:
            await channel.send(HELLO, "key-1")
    assert error.value.after is None


async def test_silence_after_the_message_is_doubt() -> None:
    """W06: a peer that takes it and says nothing holds us up for `timeout`, no longer."""
    async with posting(timeout=0.5) as (it, channel):
        it.answer = b"HTTP/1.1 200 OK\r\n"
        with pytest.raises(InDoubt):
            await channel.send(HELLO, "key-1")


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    """W06: the status was heard, so the message is taken."""
    async with posting() as (it, channel):
        it.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n" + b"x" * 200_000
        assert (await channel.send(HELLO, "key-1")).peer_id == "t@desk.example"


async def test_a_certificate_that_nobody_vouches_for_is_given_nothing_w06(tmp_path: Path) -> None:
    """W06: the message waits as for a peer that is not there, and may go another way."""
    context = made_certificates(tmp_path).server
    heard = list[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        async with posting(url=url) as (_, channel):
            with pytest.raises(ChannelDown, match="ConnectError"):
                await channel.send(HELLO, "key-1")
    assert heard == []


async def test_check_knocks_and_says_nothing() -> None:
    async with posting() as (it, channel):
        it.says(405)
        assert "answers (405)" in await channel.check()
        assert [post.body for post in it.posts] == [b""]
        await it.shut()
        with pytest.raises(ChannelDown):
            await channel.check()


@pytest.mark.parametrize(
    ("key", "value"),
    [("secret", "hunter2"), ("url", "shop.example"), ("url", "ftp://x/"), ("old_secret", "x")],
)
def test_settings_that_cannot_work_are_refused(key: str, value: str) -> None:
    with pytest.raises(ValueError, match=key):
        http_settings(1, **{key: value})


def test_a_secret_is_not_shown() -> None:
    assert SECRET not in repr(http_settings())
