"""The client-server API of Matrix by way of matrix-nio; imported only if needed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from aiohttp import ClientConnectorError, ClientError, ClientResponse, ClientTimeout
from nio import Api, AsyncClient

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from channels.matrix.settings import MatrixSettings
from channels.pause import LONGEST, asked
from normalizer.tables import items, table, text_of

Table = dict[str, Any]

PAGE = 100  # events of one room that are asked for at once
_PATIENCE = 30.0  # seconds for a call, beside what the homeserver was asked to wait
_UPLOAD = 100.0
_MOST_SAID = 200

# What somebody writes in a chat, and who comes and goes; nothing of who is typing or online.
_NOTHING: Table = {"types": []}
_FILTER = {
    "presence": _NOTHING,
    "account_data": _NOTHING,
    "room": {
        "account_data": _NOTHING,
        "ephemeral": _NOTHING,
        "state": {"types": ["m.room.member", "m.room.encryption"], "lazy_load_members": True},
        "timeline": {"limit": PAGE},
    },
}


class TokenRefused(ChannelDown):
    """The homeserver does not know this access token."""


class MatrixApi:
    """One account. Every method raises a DeliveryError, without the token in it.

    nio makes the requests; its own sync would hold up every event behind one that it does not
    know, so answers are read here as JSON.
    """

    def __init__(self, settings: MatrixSettings) -> None:
        self._client = AsyncClient(settings.homeserver, settings.user, ssl=True)
        self._base = settings.homeserver
        self._headers = {"Authorization": f"Bearer {settings.access_token}"}

    async def sync(self, since: str, wait: float) -> Table:
        """What came since the cursor; without one, what there is now."""
        asked = Api.sync("", since or None, int(wait * 1000), _FILTER)
        return await self._call(asked, patience=wait + _PATIENCE)

    async def before(self, room: str, token: str) -> tuple[list[Any], str]:
        """A page of a room's events, the newest first, and where the page before it begins."""
        said = await self._call(Api.room_messages("", room, start=token, limit=PAGE))
        return items(said.get("chunk")), text_of(said.get("end"))

    async def members(self, room: str) -> dict[str, str]:
        """Who is in a room: user → display name."""
        said = await self._call(Api.joined_members("", room))
        joined = table(said.get("joined"))
        return {user: text_of(table(who).get("display_name")) for user, who in joined.items()}

    async def say(self, room: str, content: Table, transaction: str) -> str:
        """The event's id; the same transaction again is the same event (section "Sending")."""
        asked = Api.room_send("", room, "m.room.message", content, transaction)
        return text_of((await self._call(asked)).get("event_id"))

    async def join(self, room: str) -> None:
        await self._call(Api.join("", room), body="{}")

    async def leave(self, room: str) -> None:
        """Also declines an invitation."""
        await self._call(Api.room_leave("", room), body="{}")

    async def open(self, user: str) -> str:
        """A new chat with somebody, who is asked to join."""
        made = Api.room_create("", is_direct=True, invite=[user])
        return text_of((await self._call(made)).get("room_id"))

    async def whoami(self) -> str:
        return text_of((await self._call(Api.whoami(""))).get("user_id"))

    async def upload(self, data: bytes, content_type: str, name: str) -> str:
        """The mxc:// address of a file that we send."""
        path = f"/_matrix/media/v3/upload?{urlencode({'filename': name})}"
        headers = {"Content-Type": content_type}
        async with self._asked("POST", path, data, headers, _UPLOAD) as reply:
            return text_of((await _told(reply)).get("content_uri"))

    @asynccontextmanager
    async def content(self, server: str, media: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The octets of a file that a customer sent, as they come."""
        path = f"/_matrix/client/v1/media/download/{quote(server, safe='')}/{quote(media, safe='')}"
        async with self._asked("GET", path, None, {}, _UPLOAD) as reply:
            if reply.status != 200:
                await _told(reply)
            yield reply.content.iter_chunked(2**16)

    async def close(self) -> None:
        await self._client.close()

    async def _call(
        self, asked: tuple[str, ...], *, body: str | None = None, patience: float = _PATIENCE
    ) -> Table:
        """One request as nio words it: a method, a path, and a body where it has one."""
        method, path, *rest = asked
        body = next(iter(rest), body)
        headers = {"Content-Type": "application/json"} if body else {}
        async with self._asked(method, path, body, headers, patience) as reply:
            return await _told(reply)

    @asynccontextmanager
    async def _asked(
        self,
        method: str,
        path: str,
        body: str | bytes | None,
        headers: dict[str, str],
        patience: float,
    ) -> AsyncIterator[ClientResponse]:
        try:
            reply = await self._client.send(
                method, _without_token(path), body, self._headers | headers,
                timeout=ClientTimeout(total=patience, connect=10),
            )  # fmt: skip
            async with reply:
                yield reply
        except (ClientError, TimeoutError, OSError) as error:
            said = f"the homeserver does not answer: {type(error).__name__}"
            raise _lost(error)(said) from None


def _lost(error: BaseException) -> type[DeliveryError]:
    """Without a connection nothing was given; with one, nobody knows."""
    return ChannelDown if isinstance(error, ClientConnectorError) else InDoubt


def _without_token(path: str) -> str:
    """The path alone: nio writes the token into the address, where every log keeps it."""
    parts = urlsplit(path)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key != "access_token"]
    return urlunsplit(parts._replace(query=urlencode(query)))


async def _told(reply: ClientResponse) -> Table:
    """What the homeserver answers. Raises what its refusal means."""
    said = _json(await reply.read())
    if reply.status == 200:
        return said
    raise refusal(reply.status, said, reply.headers.get("Retry-After", ""))


def refusal(status: int, said: Table, retry_after: str = "") -> DeliveryError:
    """Pure: what a status means that is not success. Every request here is safe to repeat."""
    code = text_of(said.get("errcode"))
    words = f"{status} {code} {text_of(said.get('error'))[:_MOST_SAID]}".rstrip()
    if status == 401:
        return TokenRefused(words)
    if status == 429 or code == "M_LIMIT_EXCEEDED":
        return Retry(words, _pause(said, retry_after))
    if status in {403, 404} and code and code != "M_UNRECOGNIZED":
        return Rejected(words, "address_dead")
    if status in {400, 413}:
        return Rejected(words)
    return ChannelDown(words) if status < 500 else Retry(words)


def _pause(said: Table, retry_after: str) -> timedelta | None:
    """The header is newer than the field, and holds whole seconds only."""
    wanted = said.get("retry_after_ms")
    if isinstance(wanted, int) and 0 <= wanted < 2**53:
        return min(timedelta(milliseconds=wanted), LONGEST)
    return asked(retry_after)


def _json(octets: bytes) -> Table:
    try:
        return table(json.loads(octets))
    except (ValueError, RecursionError):
        return {}
