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
from channels.pause import asked
from normalizer.message import Spooled

_PATIENCE = httpx.Timeout(30.0, connect=10.0)  # seconds
_PREPARED = timedelta(seconds=10)  # for a file that is not ready yet, such as a large film
_REFUSED = frozenset({401, 403})
_NOT_GIVEN = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError,
    httpx.UnsupportedProtocol, httpx.InvalidURL,
)  # fmt: skip


class Answer(NamedTuple):
    """A status, the JSON object beside it, for how long we are asked to wait, and the headers."""

    status: int
    body: Mapping[str, Any]
    after: timedelta | None = None
    headers: Mapping[str, str] = {}


class PlatformApi:
    """Requests to one platform, each on a connection of its own.

    One that died while it was idle would look like one that died with our message. `heard_at` is
    when the platform last answered as it should, `trouble` what a person has to see to.
    """

    def __init__(self, who: str, base: str, **client: Any) -> None:
        self.who = who
        self._client = httpx.AsyncClient(
            base_url=base,
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
            reply = await self._client.request(method, path, **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _lost(self.who, error) from error
        if reply.status_code < 500 and reply.status_code not in _REFUSED:
            self.heard_at = datetime.now(UTC)
        return Answer(reply.status_code, _table(reply), _after(reply), reply.headers)

    async def download(self, url: str, most: int, folder: Path) -> bytes | Spooled:
        """The octets of a file, in one of `folder` where they are many. Raises DeliveryError.

        Redirects are followed; our name and password stay with the host that asked for them.
        """
        async with self.content(url, follow_redirects=True) as reply:
            return await self.kept(reply, most, folder)

    @asynccontextmanager
    async def content(
        self, url: str, *, follow_redirects: bool = False
    ) -> AsyncIterator[httpx.Response]:
        """What stands at an address, whatever its status. Raises ChannelDown."""
        try:
            told = self._client.stream("GET", url, follow_redirects=follow_redirects)
            async with told as reply:
                yield reply
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ChannelDown(f"{self.who} does not answer: {type(error).__name__}") from error

    async def kept(self, reply: httpx.Response, most: int, folder: Path) -> bytes | Spooled:
        """The octets of a file that is on its way. Raises what its status means."""
        _expect(self.who, reply, most)
        return await kept(reply.aiter_bytes(), most, folder)

    async def close(self) -> None:
        await self._client.aclose()


def _lost(who: str, error: Exception) -> DeliveryError:
    said = f"{who} does not answer: {type(error).__name__}"
    return ChannelDown(said) if isinstance(error, _NOT_GIVEN) else InDoubt(said)


def _table(reply: httpx.Response) -> Mapping[str, Any]:
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _after(reply: httpx.Response) -> timedelta | None:
    return asked(reply.headers.get("retry-after", ""))


def _expect(who: str, reply: httpx.Response, most: int) -> None:
    status = reply.status_code
    if status == 202:
        raise Retry(f"{who} is still preparing it", _after(reply) or _PREPARED)
    if status in _REFUSED:
        raise ChannelDown(f"{who}: {status}")
    if status in {408, 425, 429} or status >= 500:
        raise Retry(f"{who}: {status}", _after(reply))
    if status != 200:
        raise Rejected(f"{who}: {status}, it is gone")
    size = reply.headers.get("content-length", "")
    if size.isdecimal() and int(size) > most:
        raise Rejected(f"it is larger than {most} octets")
