"""Looks again at who wrote what came while the DNS did not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from gateway.retries.backlog import Backlog
from store import unfinished
from store.engine import StoreUnavailable
from store.rows import instant
from store.unfinished import Kept

log = structlog.get_logger()

_PAUSE = 5.0  # seconds between looks for messages in doubt


@dataclass(frozen=True, slots=True)
class SecondLook:
    """While the DNS is silent nobody looks; what is due then waits for it, also over a restart."""

    backlog: Backlog
    clock: Callable[[], datetime]
    _passed_over: set[int] = field(default_factory=set)

    async def run(self) -> None:
        """Judge what is due, until cancelled."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("backlog.store_down", reason=str(error))
            await asyncio.sleep(_PAUSE)

    async def look(self) -> None:
        """Judge each message that is due now once more, if there is anybody to ask."""
        for kept in await self._due() if self._may_ask() else ():
            if kept.id in self._passed_over or not self._may_ask():
                continue
            try:
                # It was no spam when it came, and nobody asks the filters again.
                await self.backlog.reread(kept, released=True)
            except StoreUnavailable:
                raise
            except Exception:
                self._passed_over.add(kept.id)
                log.exception("message.not_read_later", message_id=kept.id)

    def _may_ask(self) -> bool:
        resolver = self.backlog.ingest.resolver
        return resolver is not None and resolver.answers

    async def _due(self) -> list[Kept]:
        store = self.backlog.store
        now, folder = instant(self.clock()), store.blobs.folder
        return await store.read(lambda c: unfinished.doubtful(c, now, folder))
