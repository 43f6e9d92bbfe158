"""A system that speaks the contract of the channel `http`: it signs, and it takes what is posted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from channels.base import Host, Request
from channels.http_channel import Http
from channels.http_settings import HttpSettings
from channels.standard_webhooks import key_of, signed
from channels.testing import PAUSE, Given, Told, Trouble, call, told
from normalizer.message import Address

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = key_of(SECRET)


class Post(NamedTuple):
    """What was posted to the other side."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Other:
    """The other side's server; `answer` is what it says, and without one it hangs up."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.port = 0
        self.answer = b""
        self._server: asyncio.Server | None = None
        self.says(200, b'{"id": "theirs-1"}')

    def says(self, status: int, body: bytes = b"", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Connection: close"]
        self.answer = "\r\n".join([*lines, *headers, "", ""]).encode() + body

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    @property
    def is_open(self) -> bool:
        return self._server is not None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.partition(": ") for line in head.splitlines()[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.posts.append(Post(headers, body))
        writer.write(self.answer)
        writer.close()


@asynccontextmanager
async def other() -> AsyncIterator[Other]:
    it = Other()
    await it.open()
    yield it
    await it.shut()


def http_settings(port: int = 1, /, **more: Any) -> HttpSettings:
    facts: dict[str, Any] = {"name": "shop", "type": "http", "secret": SECRET, "timeout": 10}
    return HttpSettings.model_validate(facts | {"url": f"http://127.0.0.1:{port}/hook"} | more)


def request(id_: str, body: bytes, key: bytes = KEY, at: datetime | None = None) -> Request:
    """A signed POST to the channel."""
    headers = signed(key, id_, body, at or datetime.now(UTC))
    return Request("POST", "", "", headers, body, "192.0.2.9")


def event(text: str, **more: Any) -> bytes:
    said = {"type": "message", "from": {"id": "u-17", "name": "Yuki"}, "text": text}
    return json.dumps(said | more).encode()


class HttpSubject:
    """The channel `http` for the conformance kit."""

    to = Address("Yuki", "u-17")

    def __init__(self, it: Other) -> None:
        self._other = it
        self._there: list[Post] = []

    def make(self, host: Host) -> Http:
        self._channel = Http(http_settings(self._other.port), host)
        return self._channel

    async def offer(self, id_: str, text: str) -> Told:
        return told(await call(self._channel, request(id_, event(text))))

    async def poison(self, octets: bytes) -> None:
        await call(self._channel, request("poison", octets))
        await call(self._channel, Request("POST", "", "", {}, octets, ""))

    async def trouble(self, how: Trouble | None) -> None:
        if how == "down":
            await self._other.shut()
        elif not self._other.is_open:
            await self._other.open()
        match how:
            case "busy":
                self._other.says(429, b"", f"Retry-After: {PAUSE.seconds}")
            case "unwanted":
                self._other.says(422)
            case "gone":
                self._other.says(410, b'{"reason": "address_dead"}')
            case "vanishes":
                self._other.answer = b""
            case None:
                self._other.says(200)

    def given(self) -> list[Given]:
        return [Given(one.event["text"], one.headers["webhook-id"]) for one in self._other.posts]
