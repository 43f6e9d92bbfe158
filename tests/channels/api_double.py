"""A double of a platform's API over real HTTP; what it says is its subclass's to decide."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlsplit


class Asked(NamedTuple):
    """One request, as it came; headers by lower-case name."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))


class Says(NamedTuple):
    """What is answered; what is no octets is JSON."""

    status: int
    body: Any = b""
    headers: tuple[str, ...] = ()


class Double:
    """Listens on a port of its own; where `answer` says None, it hangs up.

    What it has done already, it tells no sooner than `told` is set.
    """

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[Asked] = []
        self.told = asyncio.Event()
        self.told.set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, asked: Asked) -> Says | None:
        raise NotImplementedError

    async def open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Nobody listens any more."""
        if self._server:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):  # who asked may have left
                asked = await _read(reader)
                self.asked.append(asked)
                if says := self.answer(asked):
                    await self.told.wait()
                    writer.write(_written(says))
                    await writer.drain()
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    named = (line.partition(": ") for line in lines if line)
    headers = {name.lower(): value for name, _, value in named}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return Asked(method, parts.path, dict(parse_qsl(parts.query)), headers, body)


def _written(says: Says) -> bytes:
    body = says.body if isinstance(says.body, bytes) else json.dumps(says.body).encode()
    lines = (f"HTTP/1.1 {says.status} x", f"Content-Length: {len(body)}", "Connection: close")
    return "\r\n".join((*lines, *says.headers, "", "")).encode() + body


D = TypeVar("D", bound=Double)


@asynccontextmanager
async def opened(double: D) -> AsyncIterator[D]:
    await double.open()
    try:
        yield double
    finally:
        await double.shut()
