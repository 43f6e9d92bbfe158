"""Servers of a test's own, which leave no talk and no socket behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(talk: Talk) -> AsyncIterator[int]:
    """The port on which every caller is talked to, until the end: then they are hung up on."""
    talks: dict[asyncio.Future[None], asyncio.StreamWriter] = {}

    def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks[asyncio.ensure_future(talk(reader, writer))] = writer

    server = await asyncio.start_server(taken, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task, writer in talks.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*talks, return_exceptions=True)
        for writer in talks.values():
            with suppress(OSError):
                await writer.wait_closed()
