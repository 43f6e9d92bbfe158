"""A picture or a file that a customer sent by LINE, fetched within bounds."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from pathlib import Path

import httpx

from channels.base import ChannelDown, Rejected, Retry
from channels.line_api import LineApi
from channels.spool import SPOOLED_FROM, Spool
from normalizer.message import Spooled

_PREPARED = timedelta(seconds=10)  # LINE makes large videos ready after they were announced


async def fetch(api: LineApi, source: str, most: int, folder: Path) -> bytes | Spooled:
    """The octets; in a file of `folder` where they are many. Raises DeliveryError."""
    if not source.isascii() or not source.isalnum():
        raise Rejected("that is no id of a message of LINE")
    async with api.content(source) as reply:
        _expect(reply, most)
        return await _read(reply, most, folder)


def _expect(reply: httpx.Response, most: int) -> None:
    status = reply.status_code
    if status == 202:
        raise Retry("LINE is still preparing it", _PREPARED)
    if status in {401, 403}:
        raise ChannelDown(f"LINE: {status}")
    if status == 429 or status >= 500:
        raise Retry(f"LINE: {status}")
    if status != 200:
        raise Rejected(f"LINE: {status}, it is gone")
    size = reply.headers.get("content-length", "")
    if size.isdecimal() and int(size) > most:
        raise Rejected(f"it is larger than {most} octets")


async def _read(reply: httpx.Response, most: int, folder: Path) -> bytes | Spooled:
    """In memory while it is small; the rest goes to a file as it comes."""
    begun = bytearray()
    spool: Spool | None = None
    size = 0
    try:
        async for piece in reply.aiter_bytes():
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
