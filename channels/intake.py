"""What a channel that is called over HTTP hands in: counted while under way, large bytes as files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from channels.base import Accept, Receipt, Unavailable
from channels.download import held
from normalizer.message import Envelope

_PATIENCE = 10.0  # seconds that a stop waits for what is under way


class Intake:
    """Open while `receive` runs; `folder` is where large envelopes wait for the store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._accept: Accept | None = None
        self._under_way: set[asyncio.Future[None]] = set()

    @property
    def is_open(self) -> bool:
        return self._accept is not None

    @asynccontextmanager
    async def open(self, accept: Accept) -> AsyncIterator[None]:
        """For as long as the block runs, and then until what is under way has ended."""
        self._accept = accept
        try:
            yield
        finally:
            self._accept = None
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=_PATIENCE)

    async def run(self, accept: Accept) -> None:
        """Open until cancelled."""
        async with self.open(accept):
            await asyncio.get_running_loop().create_future()

    async def take(self, envelope: Envelope) -> Receipt:
        """Hand one envelope in, however large. Raises Unavailable."""
        accept = self._accept
        if accept is None:
            raise Unavailable
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.add(ended)
        try:
            async with held(envelope.raw, self._folder) as raw:
                return await accept(replace(envelope, raw=raw))
        finally:
            self._under_way.discard(ended)
            ended.set_result(None)
