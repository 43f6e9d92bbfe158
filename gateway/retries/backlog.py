"""What could not be read when it came: read later, by the one way that also retries quarantine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from gateway import reports
from gateway.ingest import Ingest
from gateway.readers import ReaderDied, TooSlow, discard
from gateway.sender.trust import Verdict
from normalizer.message import Envelope, Message, Spooled
from store import accounts, unfinished
from store.engine import StoreUnavailable
from store.known import Accepted, Raw
from store.store import Store
from store.unfinished import Kept

log = structlog.get_logger()

_PAUSE = 0.5  # seconds between looks for unread mail
_DNS_PATIENCE = 4.0  # seconds for the DNS: what it does not tell by then is a temporary error
_AT_ONCE = 8  # messages that wait for the DNS together: a slow name of one is not the others' loss


@dataclass(frozen=True, slots=True)
class Backlog:
    """Reads again, one message at a time, with all the patience that reading may need at all."""

    store: Store
    ingest: Ingest
    _passed_over: set[int] = field(default_factory=set)

    async def run(self) -> None:
        """Read what is unread, until cancelled."""
        while True:
            try:
                # Large parts become files on the way: a full disk is no fault of the mail.
                if not self.store.low_on_disk():
                    await self._look()
            except StoreUnavailable as error:
                log.warning("backlog.store_down", reason=str(error))
            await asyncio.sleep(_PAUSE)

    async def _look(self) -> None:
        waiting = [k for k in await self.waiting("unread") if k.id not in self._passed_over]
        for start in range(0, len(waiting), _AT_ONCE):
            await self._read_some(waiting[start : start + _AT_ONCE])

    async def _read_some(self, some: list[Kept]) -> None:
        """Read and judge together, commit in the order in which they came."""
        judged = await asyncio.gather(*(self._judged(kept.envelope) for kept in some))
        for kept, (message, verdict) in zip(some, judged, strict=True):
            try:
                await self._commit(kept, message, verdict)
            except StoreUnavailable:
                discard(message for message, _ in judged)
                raise
            except Exception:
                # One message that our rules fall over does not keep the others waiting; it stays
                # unread, where `audit` shows it, and the next start tries again.
                self._passed_over.add(kept.id)
                log.exception("message.not_read_later", message_id=kept.id)

    async def waiting(self, status: str, after: int = 0) -> list[Kept]:
        """The next messages of a status, the oldest first."""
        folder = self.store.blobs.folder
        return await self.store.read(lambda c: unfinished.find(c, status, folder, after))

    async def everything(self, status: str) -> list[Kept]:
        """All messages of a status, without their bytes."""
        found: list[Kept] = []
        while batch := await self.waiting(status, found[-1].id if found else 0):
            found += [kept._replace(envelope=replace(kept.envelope, raw=b"")) for kept in batch]
        return found

    async def retry(self, status: str) -> list[str]:
        """Read all of a status again; a line for each, saying what changed."""
        lines: list[str] = []
        last = 0
        while batch := await self.waiting(status, last):
            for kept in batch:
                await self.reread(kept)
                now = await self.store.read(partial(accounts.story, name=str(kept.id)))
                lines.append(reports.changed(kept, now))
            last = batch[-1].id
        return lines

    async def release(self, id_: int) -> Accepted | None:
        """Let one spam be mail like any other; None if there is no spam with this id."""
        folder = self.store.blobs.folder
        found = await self.store.read(lambda c: unfinished.find(c, "spam", folder, id_ - 1, 1))
        if not found or found[0].id != id_:
            return None
        return await self.reread(found[0], released=True)

    async def reread(self, kept: Kept, *, released: bool = False) -> Accepted:
        """Replace a stored message by what reading gives now; it keeps its id and its receipts."""
        message, verdict = await self._judged(kept.envelope)
        return await self._commit(kept, message, verdict, released=released)

    async def _judged(self, envelope: Envelope) -> tuple[Message, Verdict]:
        message = await self.read(envelope)
        return message, await self.ingest.judge(envelope, message, _DNS_PATIENCE)

    async def _commit(
        self, kept: Kept, message: Message, verdict: Verdict, *, released: bool = False
    ) -> Accepted:
        raw = Raw(kept.sha256, _size(kept.envelope), None)
        try:
            arrival = await self.ingest.arrival(
                kept.envelope, raw, message, verdict, rereads=kept.id, released=released
            )
            accepted = await self.store.commit_inbound(arrival)
        finally:
            discard((message,))
        self.ingest.committed(kept.envelope.channel)
        log.info(
            "message.read_later",
            unit=kept.envelope.unit,
            channel=kept.envelope.channel,
            message_id=kept.id,
            outcome=accepted.outcome,
        )
        return accepted

    async def read(self, envelope: Envelope) -> Message:
        """Read with patience; what kills its reader is quarantined."""
        try:
            return (await self.ingest.readers.read(envelope, patient=True)).messages[0]
        except (ReaderDied, TooSlow):
            return Message(unreadable="the reader died over it")


def _size(envelope: Envelope) -> int:
    return envelope.raw.size if isinstance(envelope.raw, Spooled) else len(envelope.raw)
