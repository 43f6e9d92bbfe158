"""A real mailbox, our rules and our store together, in this process."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from channels.base import Host, Receipt
from channels.imap import Imap
from normalizer.message import Envelope
from store.past import Past
from tests.channels.imap_box import settings
from tests.daemon.dovecot import dovecot
from tests.daemon.servers import require
from tests.making import Desk, mail, until

pytestmark = pytest.mark.daemon


class Run:
    """One life of the channel on a desk; `taken` counts what it handed over."""

    def __init__(self, desk: Desk, port: int, folder: Path, taken: Counter[str]) -> None:
        host = Host("mx.example.com", folder, past=lambda name: Past(desk.store, name))
        facts = settings(port, name="mail", send=f"maildir:{folder}/sent")
        self._channel = Imap(facts, host)
        self._desk, self._taken = desk, taken
        self._task = asyncio.create_task(self._channel.receive(self._accept))

    async def _accept(self, envelope: Envelope) -> Receipt:
        self._taken[envelope.unit] += 1
        return await self._desk.ingest.accept(envelope)

    async def end(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self._channel.close()


async def test_poison_is_quarantined_once_and_never_fetched_again(
    desk: Desk, tmp_path: Path
) -> None:
    """R8: 100 mails, 30 of them unreadable: 100 stored, 30 quarantined, none fetched twice."""
    require("dovecot")
    desk.inline.unreadable = b"poison"
    taken: Counter[str] = Counter()

    async def stored(count: int) -> bool:
        return await desk.count("messages") >= count

    with dovecot() as server:
        bodies = ("poison" if number % 10 < 3 else "fine" for number in range(100))
        server.deliver(*(mail(f"c{n}@x.example", body=body) for n, body in enumerate(bodies)))
        for life in range(3):
            run = Run(desk, server.imap, tmp_path, taken)
            await until(lambda life=life: stored(100 + life))  # type: ignore[misc]
            await asyncio.to_thread(server.deliver, mail(f"d{life}@x.example"))
            await until(lambda life=life: stored(101 + life))  # type: ignore[misc]
            await run.end()
    bad = await desk.one("SELECT count(*) AS n FROM messages WHERE status = 'quarantined'")
    assert bad["n"] == 30
    assert set(taken.values()) == {1}


async def test_after_five_renumberings_each_mail_is_one_message_and_all_of_it_history(
    desk: Desk, tmp_path: Path
) -> None:
    """I04: 0 doubled, 0 missed, and no word about mail that was there before us."""
    require("dovecot")
    taken: Counter[str] = Counter()
    with dovecot() as server:
        server.deliver(*(mail(f"c{n}@x.example") for n in range(20)))
        for life in range(6):
            run = Run(desk, server.imap, tmp_path, taken)

            async def all_receipts(life: int = life) -> bool:
                return await desk.count("ledger") >= 20 * (life + 1)

            await until(all_receipts)
            await run.end()
            server.renumber()
    assert set(taken.values()) == {1}
    assert await desk.count("messages") == 20
    assert await desk.count("outbox") == 0
