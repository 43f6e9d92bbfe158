"""What a channel that is called over HTTP hands in: counted while under way, large bytes as files."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path

from channels.base import Accept, Receipt, Unavailable
from channels.download import written
from channels.spool import SPOOLED_FROM
from normalizer.message import Envelope, Spooled

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

    async def run(self, accept: Accept) -> None:
        """Until cancelled, and then until what is under way has ended."""
        self._accept = accept
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._accept = None
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=_PATIENCE)

    async def take(self, envelope: Envelope) -> Receipt:
        """Hand one envelope in, however large. Raises Unavailable."""
        accept = self._accept
        if accept is None:
            raise Unavailable
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.add(ended)
        raw = envelope.raw
        try:
            raw = await self._kept(envelope)
            return await accept(replace(envelope, raw=raw))
        finally:
            self._under_way.discard(ended)
            ended.set_result(None)
            if isinstance(raw, Spooled):  # gone already where the store has taken it
                Path(raw.path).unlink(missing_ok=True)  # noqa: ASYNC240  # one system call

    async def _kept(self, envelope: Envelope) -> bytes | Spooled:
        raw = envelope.raw
        if isinstance(raw, Spooled) or len(raw) <= SPOOLED_FROM:
            return raw
        path = self._folder / f"{envelope.format}-{secrets.token_hex(8)}"
        return await asyncio.to_thread(written, raw, path)
