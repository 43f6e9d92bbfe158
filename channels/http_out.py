"""The way out of the channel `http`: one signed POST a message, and what its answer means."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from channels.base import ChannelDown, InDoubt, Rejected, Retry, Sent
from channels.enclosed import octets
from channels.http_settings import HttpSettings
from channels.pause import asked
from channels.standard_webhooks import signed
from normalizer.message import Message, Part

_MOST = 64 * 1024  # octets of an answer that are read
_LONGEST = timedelta(days=1)  # that a peer may put us off at once
_NOT_GIVEN = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError,
    httpx.UnsupportedProtocol, httpx.InvalidURL,
)  # fmt: skip


class HttpOut:
    """Posts messages, each on a connection of its own.

    One that died while it was idle would look like one that died with our message.
    """

    def __init__(self, settings: HttpSettings, clock: Callable[[], datetime]) -> None:
        self._settings, self._clock = settings, clock
        self._host = urlsplit(settings.url).hostname or ""
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(settings.timeout, connect=settings.timeout / 2),
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"User-Agent": "Madoguchi", "Content-Type": "application/json"},
        )

    async def send(self, message: Message, key: str) -> Sent:
        """Raises DeliveryError; `key` is the webhook-id, the same at each try."""
        body = await asyncio.to_thread(_written, message, key)
        headers = signed(self._settings.keys[0], key, body, self._clock())
        reply, answer = None, b""
        try:
            async with asyncio.timeout(self._settings.timeout):
                async with self._client.stream(
                    "POST", self._settings.url, content=body, headers=headers
                ) as reply:
                    answer = await _beginning(reply)
        except _NOT_GIVEN as error:
            raise ChannelDown(f"{self._host} cannot be reached: {type(error).__name__}") from error
        except (httpx.HTTPError, TimeoutError) as error:
            if reply is None:
                raise InDoubt(f"{self._host} left without an answer") from error
        assert reply is not None
        return Sent(self._meant(reply, _object(answer)) or _id(message, key))

    def _meant(self, reply: httpx.Response, answer: Mapping[str, Any]) -> str:
        """The peer's id of what it took. Raises what its status means."""
        status = reply.status_code
        said = f"{self._host} answered {status}"
        if reply.is_success:
            return str(answer.get("id", ""))[:200]
        if status in {408, 425, 429} or status >= 500:
            raise Retry(said, asked(reply.headers.get("retry-after", ""), self._clock(), _LONGEST))
        if status in {401, 403} or not reply.is_client_error:
            raise ChannelDown(f"{said}: the url or the secret is not right")
        if status in {404, 410} and answer.get("reason") == "address_dead":
            raise Rejected(said, "address_dead")
        raise Rejected(said)

    async def check(self) -> str:
        """Knock without saying anything. Raises ChannelDown."""
        try:
            reply = await self._client.head(self._settings.url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ChannelDown(f"{self._host} cannot be reached: {type(error).__name__}") from error
        return f"{self._host} answers ({reply.status_code}); nothing was posted"

    async def close(self) -> None:
        await self._client.aclose()


async def _beginning(reply: httpx.Response) -> bytes:
    read = bytearray()
    async for piece in reply.aiter_raw():
        read += piece
        if len(read) > _MOST:
            break
    return bytes(read)


def _object(answer: bytes) -> dict[str, Any]:
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _id(message: Message, key: str) -> str:
    return message.message_id or key


def _written(message: Message, key: str) -> bytes:
    """Raises Rejected and Retry."""
    if not message.to:
        raise Rejected("the message names no recipient")
    name, address = message.to[0]
    event = {
        "type": "message",
        "id": _id(message, key),
        "kind": message.kind,
        "to": {"id": address, "name": name},
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "language": message.language,
        "reply_to": message.in_reply_to,
        "buttons": [button._asdict() for button in message.buttons],
        "attachments": [_file(part) for part in message.parts],
    }
    return json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")


def _file(part: Part) -> dict[str, str]:
    return {
        "filename": part.filename,
        "content_type": part.content_type,
        "content_id": part.content_id,
        "data": base64.b64encode(octets(part)).decode(),
    }
