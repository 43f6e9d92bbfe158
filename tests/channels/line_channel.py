"""The channel `line` as tests run it: beside a gateway that takes in and remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from channels.base import (
    Host,
    NoPast,
    Receipt,
    Request,
    Unavailable,
)
from channels.line import Line
from channels.line.settings import LineSettings
from normalizer.message import Address, Envelope, Message
from tests.channels.line_double import (
    SECRET,
    TOKEN,
    YUKI,
    Platform,
    call,
    sign,
)
from tests.making import until as awaited


async def until(holds: Callable[[], bool]) -> None:
    async def now() -> bool:
        return holds()

    await awaited(now)


@dataclass
class Gateway(NoPast):
    """Takes envelopes in; `down` times not."""

    taken: list[Envelope] = field(default_factory=list)
    down: int = 0
    _notes: dict[str, str] = field(default_factory=dict)

    async def accept(self, envelope: Envelope) -> Receipt:
        await asyncio.sleep(0)
        if self.down:
            self.down -= 1
            raise Unavailable
        self.taken.append(envelope)
        return Receipt(len(self.taken), "accepted")


def settings(line: Platform, **more: Any) -> LineSettings:
    known = {"channel_secret": SECRET, "access_token": TOKEN, "api": line.url, "data_api": line.url}
    return LineSettings.model_validate({"name": "line", "type": "line"} | known | more)


@asynccontextmanager
async def running(
    line: Platform, folder: Path, gateway: Gateway | None = None, **more: Any
) -> AsyncIterator[tuple[Line, Gateway]]:
    gateway = gateway or Gateway()
    made = gateway
    channel = Line(settings(line, **more), Host("mx.example", folder, past=lambda _: made))
    receiving = asyncio.create_task(channel.receive(gateway.accept))
    await until(lambda: channel.ready)
    try:
        yield channel, gateway
    finally:
        receiving.cancel()
        with suppress(asyncio.CancelledError):
            await receiving
        await channel.close()


def request(body: bytes, signature: str | None = None, **more: Any) -> Request:
    claimed = sign(body) if signature is None else signature
    plain = Request("POST", "", "", {"x-line-signature": claimed}, body, "192.0.2.1")
    return plain._replace(**more)


async def status(channel: Line, *events: dict[str, Any]) -> int:
    return (await channel.answer(request(call(*events)))).status


def said(text: str = "承りました", to: str = YUKI, **more: Any) -> Message:
    return Message(**{"kind": "reply", "to": (Address("", to),), "text": text} | more)
