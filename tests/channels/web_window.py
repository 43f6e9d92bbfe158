"""The channel `web` as tests run it: beside a store that knows what was said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from channels.base import Host, NoPast, Receipt
from channels.web import Web
from normalizer import normalize
from normalizer.message import Envelope, Identity, Message
from normalizer.said import Said
from tests.channels.web_peer import (
    YUKI,
    settings,
)
from tests.making import NOON, until

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 50


class Store(NoPast):
    """Takes what comes, once; `words` are what was said with whom."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Envelope] = []
        self.words: dict[str, list[Said]] = {}
        self.files: dict[str, bytes] = {}
        self.says: Receipt | Exception | None = None
        self.unread = 0  # so many looks do not find what was stored last

    async def accept(self, envelope: Envelope) -> Receipt:
        if isinstance(self.says, Exception):
            raise self.says
        known = envelope.unit in {one.unit for one in self.taken}
        if not known:
            self.taken.append(envelope)
            (message,) = normalize(envelope)
            visitor = message.claims[0].identity.address
            mine = Said(message.message_id, False, "message", message.text, NOON, "K4TZ-9QHM")
            self.words.setdefault(visitor, []).append(mine)
        return self.says or Receipt(7, "duplicate" if known else "accepted")

    async def said(self, to: Identity, /) -> tuple[Said, ...]:
        found = tuple(self.words.get(to.address, ()))
        if self.unread and found:
            self.unread -= 1
            return found[:-1]
        return found

    async def octets(self, sha256: str, /) -> bytes | None:
        return self.files.get(sha256)

    def messages(self) -> list[Message]:
        return [normalize(envelope)[0] for envelope in self.taken]


class Clock:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def window(
    folder: Path, store: Store, clock: Clock | None = None, **more: Any
) -> AsyncIterator[Web]:
    host = Host("mx.example", folder, past=lambda _: store, inbox=lambda _: store)
    channel = Web(settings(**more), host, now=lambda: NOON, clock=clock or Clock())
    task = asyncio.ensure_future(channel.receive(store.accept))
    await until(lambda: asyncio.sleep(0, channel.ready))
    try:
        yield channel
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def visitor(channel: Web, token: str = YUKI) -> str:
    return channel._window.visitors.of(token)
