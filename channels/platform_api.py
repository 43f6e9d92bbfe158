"""One request to a platform's API, and what it means when no good answer comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from channels.download import kept
from normalizer.message import Spooled

_PATIENCE = httpx.Timeout(30.0, connect=10.0)  # seconds
_LONGEST = timedelta(hours=1)  # that a platform may put us off at once
_NOT_GIVEN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Answer(NamedTuple):
    """A status, the JSON object beside it, and for how long we are asked to wait."""

    status: int
    body: Mapping[str, Any]
    after: timedelta | None = None


class PlatformApi:
    """Requests to one platform, each on a connection of its own.

    One that died while it was idle would look like one that died with our message. `heard_at` is
    when the platform last answered, `trouble` what a person has to see to.
    """

    def __init__(self, who: str, base: str, **client: Any) -> None:
        self.who, self._base = who, base
        self._client = httpx.AsyncClient(
            timeout=_PATIENCE,
            limits=httpx.Limits(max_keepalive_connections=0),
            **client,
        )
        self._client.headers["User-Agent"] = "Madoguchi"
        self.heard_at: datetime | None = None
        self.trouble = ""

    async def call(self, method: str, path: str, **content: Any) -> Answer:
        """Any status is an answer. Raises ChannelDown if nothing was given, else InDoubt."""
        try:
            reply = await self._client.request(method, self._base + path, **content)
        except httpx.HTTPError as error:
            raise _lost(self.who, error) from error
        if reply.status_code < 500:
            self.heard_at = datetime.now(UTC)
        return Answer(reply.status_code, _table(reply), _after(reply))

    async def download(self, url: str, most: int, folder: Path) -> bytes | Spooled:
        """The octets of a file, in one of `folder` where they are many. Raises DeliveryError.

        Redirects are followed; our name and password stay with the host that asked for them.
        """
        async with self._content(url) as reply:
            _expect(self.who, reply, most)
            return await kept(reply.aiter_bytes(), most, folder)

    @asynccontextmanager
    async def _content(self, url: str) -> AsyncIterator[httpx.Response]:
        try:
            async with self._client.stream("GET", url, follow_redirects=True) as reply:
                yield reply
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ChannelDown(f"{self.who} does not answer: {type(error).__name__}") from error

    async def close(self) -> None:
        await self._client.aclose()


def _lost(who: str, error: httpx.HTTPError) -> DeliveryError:
    said = f"{who} does not answer: {type(error).__name__}"
    return ChannelDown(said) if isinstance(error, _NOT_GIVEN) else InDoubt(said)


def _table(reply: httpx.Response) -> Mapping[str, Any]:
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _after(reply: httpx.Response) -> timedelta | None:
    seconds = reply.headers.get("retry-after", "")
    return min(timedelta(seconds=int(seconds[:9])), _LONGEST) if seconds.isdecimal() else None


def _expect(who: str, reply: httpx.Response, most: int) -> None:
    status = reply.status_code
    if status in {401, 403}:
        raise ChannelDown(f"{who}: {status}")
    if status in {408, 425, 429} or status >= 500:
        raise Retry(f"{who}: {status}", _after(reply))
    if status != 200:
        raise Rejected(f"{who}: {status}, it is gone")
    size = reply.headers.get("content-length", "")
    if size.isdecimal() and int(size) > most:
        raise Rejected(f"it is larger than {most} octets")
