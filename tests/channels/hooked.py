"""A channel that is called over HTTP, as tests run it: beside a gateway that takes in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

from channels.base import Channel, Closed, Host, Request, Response
from tests.channels.line_channel import Gateway, until


class Hooked(Channel, Closed, Protocol):
    """What is called, and closed."""

    async def answer(self, request: Request) -> Response: ...


C = TypeVar("C", bound=Hooked)


@asynccontextmanager
async def running(
    make: Callable[[Host], C], folder: Path, gateway: Gateway | None = None
) -> AsyncIterator[tuple[C, Gateway]]:
    """A channel that is ready, and the gateway that it hands over to."""
    beside = gateway or Gateway()
    channel = make(Host("mx.example", folder, past=lambda _: beside))
    receiving = asyncio.create_task(channel.receive(beside.accept))
    await until(lambda: channel.ready)
    try:
        yield channel, beside
    finally:
        receiving.cancel()
        with suppress(asyncio.CancelledError):
            await receiving
        await channel.close()
