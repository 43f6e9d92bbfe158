"""A peer that climbs the dialogue step by step, and a channel for it to talk to."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from channels.base import Accept, Host, Receipt
from channels.smtp import Smtp
from normalizer.message import Envelope

OURS = "support@example.com"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
MAIL = b"From: yuki@example.jp\r\nSubject: hello\r\n\r\nhello\r\n"


class Gateway:
    """Takes what arrives; `accept` may be replaced by what a test needs."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.arrived = asyncio.Event()

    async def accept(self, envelope: Envelope) -> Receipt:
        self.envelopes.append(envelope)
        self.arrived.set()
        return Receipt(len(self.envelopes), "accepted")


class Peer:
    """One connection to the channel."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self) -> str:
        """The next reply, all its lines; "" once the connection has ended."""
        lines = []
        async with asyncio.timeout(60):
            while line := (await self.reader.readline()).decode():
                lines.append(line)
                if line[3:4] != "-":
                    break
        return "".join(lines)

    async def say(self, text: str | bytes) -> str:
        await self.send(text if isinstance(text, bytes) else f"{text}\r\n".encode())
        return await self.reply()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self) -> str:
        """Everything until the other side closes."""
        async with asyncio.timeout(60):
            return (await self.reader.read()).decode()

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()

    async def greeted(self) -> Peer:
        assert (await self.reply()).startswith("220 ")
        return self

    async def helloed(self, verb: str = "EHLO") -> Peer:
        await self.greeted()
        assert (await self.say(f"{verb} peer.example")).startswith("250-mx.example")
        return self

    async def mailed(self, verb: str = "EHLO") -> Peer:
        await self.helloed(verb)
        assert await self.say("MAIL FROM:<yuki@example.jp>") == "250 2.1.0 ok\r\n"
        return self

    async def addressed(self, *recipients: str, verb: str = "EHLO") -> Peer:
        await self.mailed(verb)
        for recipient in recipients or (OURS,):
            assert await self.say(f"RCPT TO:<{recipient}>") == "250 2.1.5 ok\r\n"
        return self

    async def in_content(self, *recipients: str, verb: str = "EHLO") -> Peer:
        await self.addressed(*recipients, verb=verb)
        assert (await self.say("DATA")).startswith("354 ")
        return self


class Desk:
    """A running channel and the peers that a test has sent to it."""

    def __init__(self, channel: Smtp, receiving: asyncio.Task[None], gateway: Gateway) -> None:
        self.channel = channel
        self.receiving = receiving
        self.gateway = gateway
        self.peers: list[Peer] = []

    @property
    def port(self) -> int:
        return self.channel.bound[0][1]

    async def peer(self, **options: Any) -> Peer:
        if "sock" not in options:
            options |= {"host": "127.0.0.1", "port": self.port}
        peer = Peer(*await asyncio.open_connection(**options))
        self.peers.append(peer)
        return peer

    async def stop(self) -> None:
        self.receiving.cancel()
        with suppress(asyncio.CancelledError):
            await self.receiving


@asynccontextmanager
async def desk(
    folder: Path,
    *,
    kind: type[Smtp] = Smtp,
    accept: Accept | None = None,
    full: Callable[[], bool] = lambda: False,
    failpoint: Callable[[str], None] = lambda _: None,
    **settings: Any,
) -> AsyncIterator[Desk]:
    """A channel on a free port until the block ends."""
    gateway = Gateway()
    table = {"name": "mail", "type": "smtp", "addresses": [OURS], "send": "maildir:out"}
    channel = kind(
        kind.Settings.model_validate(table | {"listen": "127.0.0.1:0"} | settings),
        Host("mx.example", folder, full, failpoint),
        clock=lambda: NOW,
    )
    receiving = asyncio.create_task(channel.receive(accept or gateway.accept))
    running = Desk(channel, receiving, gateway)
    await until(lambda: channel.ready or receiving.done())
    try:
        yield running
    finally:
        for peer in running.peers:
            await peer.close()
        await running.stop()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until the condition holds."""
    async with asyncio.timeout(60):
        while True:
            if condition():
                return
            await asyncio.sleep(0)


def certificate(folder: Path) -> dict[str, str]:
    """A self-signed certificate, as settings."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(cert)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    return {"certificate": str(cert), "key": str(key)}
