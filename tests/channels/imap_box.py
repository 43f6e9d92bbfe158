"""A mailbox channel under test: what it hands in is kept, and what it may remember is in memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from channels.base import Host, Receipt
from channels.imap import Imap
from channels.imap.settings import ImapSettings
from normalizer.message import Envelope, Spooled
from tests.daemon.dovecot import PASSWORD, USER
from tests.making import until


class Ledger:
    """A gateway and its store. `troubles` are raised instead, one for each mail."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.contents: list[bytes] = []
        self.seen: Counter[str] = Counter()
        self.notes: dict[str, str] = {}
        self.troubles: list[Exception] = []
        self.passed: list[str] = []
        self.full = False

    async def accept(self, envelope: Envelope) -> Receipt:
        self.seen[envelope.unit] += 1
        if self.troubles:
            raise self.troubles.pop(0)
        raw = envelope.raw
        content = Path(raw.path).read_bytes() if isinstance(raw, Spooled) else raw  # noqa: ASYNC240
        self.contents.append(content)
        self.mails.append(envelope)
        return Receipt(len(self.mails), "accepted")

    async def units(self, prefix: str, /) -> frozenset[str]:
        stored = (mail.unit for mail in self.mails)
        return frozenset(unit[len(prefix) :] for unit in stored if unit.startswith(prefix))

    async def recall(self, name: str) -> str:
        return self.notes.get(name, "")

    async def note(self, name: str, value: str) -> None:
        self.notes[name] = value

    async def holds(self, count: int) -> None:
        """Wait until so many mails are in."""

        async def enough() -> bool:
            return len(self.mails) >= count

        await until(enough)


def settings(port: int, /, **more: Any) -> ImapSettings:
    facts: dict[str, Any] = {
        "name": "support",
        "type": "imap",
        "host": "127.0.0.1",
        "port": port,
        "username": USER,
        "password": PASSWORD,
        "tls": "none",
        "addresses": ["support@example.com"],
        "send": "maildir:sent",
        "timeout": 5,
    }
    return ImapSettings.model_validate(facts | more)


def channel(port: int, folder: Path, ledger: Ledger, **more: Any) -> Imap:
    def failpoint(name: str) -> None:
        ledger.passed.append(name)

    host = Host("mx.example.com", folder, lambda: ledger.full, failpoint, lambda _: ledger)
    return Imap(settings(port, **({"send": f"maildir:{folder}/sent"} | more)), host)


@asynccontextmanager
async def reading(port: int, folder: Path, ledger: Ledger, **more: Any) -> AsyncIterator[Imap]:
    """A channel that reads, and has ended when this has."""
    mailbox = channel(port, folder, ledger, **more)
    task = asyncio.create_task(mailbox.receive(ledger.accept))
    try:
        yield mailbox
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await mailbox.close()


async def until_true(holds: Callable[[], bool]) -> None:
    async def asked() -> bool:
        return holds()

    await until(asked)
