"""A picture or a file that a customer sent by LINE, fetched within bounds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx

from channels.base import ChannelDown, Rejected, Retry
from channels.download import kept
from channels.line.api import LineApi
from normalizer.message import Spooled

_PREPARED = timedelta(seconds=10)  # LINE makes large videos ready after they were announced


async def fetch(api: LineApi, source: str, most: int, folder: Path) -> bytes | Spooled:
    """The octets; in a file of `folder` where they are many. Raises DeliveryError."""
    if not source.isascii() or not source.isalnum():
        raise Rejected("that is no id of a message of LINE")
    async with api.content(source) as reply:
        _expect(reply, most)
        return await kept(reply.aiter_bytes(), most, folder)


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
