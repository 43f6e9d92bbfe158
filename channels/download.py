"""Octets from outside, kept in memory while they are few, else in a file."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from channels.base import Rejected, Unavailable
from channels.spool import SPOOLED_FROM, Spool
from normalizer.message import Spooled


async def kept(pieces: AsyncIterator[bytes], most: int, folder: Path) -> bytes | Spooled:
    """All of them; a file lies in `folder`. Raises Rejected beyond `most` octets."""
    begun = bytearray()
    spool: Spool | None = None
    size = 0
    try:
        async for piece in pieces:
            size += len(piece)
            if size > most:
                raise Rejected(f"it is larger than {most} octets")
            begun += piece
            if len(begun) > SPOOLED_FROM:
                if spool is None:
                    spool = await asyncio.to_thread(Spool, folder / secrets.token_hex(16))
                await asyncio.to_thread(spool.write, [bytes(begun)])
                begun.clear()
        if spool is None:
            return bytes(begun)
        await asyncio.to_thread(spool.write, [bytes(begun)])
        finished, spool = await asyncio.to_thread(spool.finish), None
        return finished
    finally:
        if spool:
            spool.discard()


@asynccontextmanager
async def held(raw: bytes | Spooled, folder: Path) -> AsyncIterator[bytes | Spooled]:
    """Octets as an envelope carries them; a file that nobody took is gone afterwards.

    Raises Unavailable where the disk does not take them.
    """
    if isinstance(raw, Spooled) or len(raw) <= SPOOLED_FROM:
        yield raw
        return
    try:
        file = await asyncio.to_thread(written, raw, folder / secrets.token_hex(16))
    except OSError as error:
        raise Unavailable("4.3.1", 452) from error
    try:
        yield file
    finally:
        Path(file.path).unlink(missing_ok=True)  # noqa: ASYNC240  # one system call


def written(raw: bytes, path: Path) -> Spooled:
    """Octets as a file; none is left behind where the disk takes only some of them."""
    spool = Spool(path)
    try:
        spool.write([raw])
        return spool.finish()
    except OSError:
        with suppress(OSError):
            spool.discard()
        raise
