"""Visitors of our pages: what their browsers ask for, and the channel `web` for the kit."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any
from urllib.parse import urlencode

from channels.base import Channel, Host, Request, Response, Unavailable
from channels.testing import Ability, Given, Told, Trouble, call, told
from channels.web import Web
from channels.web.settings import WebSettings
from normalizer.message import Address

YUKI, HANA = "y" * 43, "h" * 43
SHOP = "https://shop.example"
CANNOT: dict[Ability, str] = {
    "key": "a visitor is shown what the store holds: trying again shows nothing new",
    "down": "nobody is called: a visitor comes and asks",
    "busy": "nobody is called",
    "unwanted": "nobody is called",
    "gone": "nobody is called",
    "vanishes": "nobody is called",
}


def settings(**more: Any) -> WebSettings:
    facts: dict[str, Any] = {"name": "web", "type": "web", "from_name": "Example Support"}
    return WebSettings.model_validate({**facts, **more})


def asking(
    path: str, token: str = YUKI, *, method: str = "GET", peer: str = "192.0.2.1", **headers: str
) -> Request:
    """A question by a script; `?` in the path begins the query."""
    place, _, query = path.partition("?")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    known = {"host": "desk.example", "x-visitor": token} | named
    return Request(method, f"/{place}", query, known, b"", peer)


def writing(
    id_: str, text: str = "Where is my parcel?", token: str = YUKI, *, peer: str = "192.0.2.1",
    headers: dict[str, str] | None = None, **more: Any,
) -> Request:  # fmt: skip
    """One message of the chat."""
    body = json.dumps({"id": f"{id_:->8}", "text": text} | more).encode()
    known = {"host": "desk.example", "x-visitor": token, "content-type": "application/json"}
    return Request("POST", "/messages", "", known | (headers or {}), body, peer)


def form(
    fields: dict[str, str], *, peer: str = "192.0.2.1", accept: str = "text/html", **headers: str
) -> Request:
    """A form as a browser without any script posts it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    known = {
        "host": "desk.example", "accept": accept,
        "content-type": "application/x-www-form-urlencoded",
    } | named  # fmt: skip
    return Request("POST", "/form", "", known, urlencode(fields).encode(), peer)


def multipart(*parts: tuple[str, str | None, bytes], boundary: str = "limit") -> bytes:
    """Fields and files, as (name, filename or None, octets)."""
    written = [_part(*part, boundary) for part in parts]
    return b"".join([*written, f"--{boundary}--\r\n".encode()])


def _part(name: str, filename: str | None, data: bytes, boundary: str) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + data + b"\r\n"


def uploading(body: bytes, path: str = "/messages", **headers: str) -> Request:
    known = {
        "host": "desk.example", "x-visitor": YUKI,
        "content-type": "multipart/form-data; boundary=limit",
    } | headers  # fmt: skip
    return Request("POST", path, "", known, body, "192.0.2.1")


def said(response: Response) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(response.body)
    return found


def worked(stamp: str, bits: int) -> str:
    """What a browser finds out."""
    number = 0
    while int(hashlib.sha256(f"{stamp}:{number}".encode()).hexdigest(), 16) >> (256 - bits):
        number += 1
    return f"{stamp}:{number}"


class WebSubject:
    """A page with two visitors: one writes, and one is written to and keeps looking."""

    def __init__(self) -> None:
        self._seen: dict[str, Given] = {}
        self._looking: asyncio.Task[None] | None = None
        self.to = Address("", "")

    def make(self, host: Host) -> Channel:
        self._channel = Web(settings(per_peer=0, per_minute=0, per_visitor=0), host)
        return self._channel

    async def offer(self, id_: str, text: str) -> Told:
        return told(await call(self._channel, writing(id_, text, HANA)))

    async def poison(self, octets: bytes) -> None:
        """As a message, as a form, in each of the three ways to write one."""
        for path in ("/messages", "/form"):
            for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
                await call(self._channel, uploading(octets, path, **{"content-type": kind}))
            await call(self._channel, uploading(octets, path))
            await call(
                self._channel,
                uploading(multipart(("id", None, b"poisoned"), ("text", None, octets)), path),
            )
            await call(self._channel, uploading(multipart(("photo", "a.jpg", octets)), path))

    async def trouble(self, how: Trouble | None) -> None:
        assert how is None
        self.to = Address("", self._channel._window.visitors.of(YUKI))
        await self._channel.answer(asking("messages"))
        self._looking = self._looking or asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        version = ""
        while self._channel.ready:
            try:
                answer = await self._channel.answer(asking(f"messages?seen={version}&wait=5"))
            except Unavailable:
                return
            news = said(answer)
            version = news["version"]
            self._seen |= {one["id"]: Given(one["text"], one["id"]) for one in news["messages"]}

    def given(self) -> list[Given]:
        return list(self._seen.values())
