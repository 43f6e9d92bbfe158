"""What everything at one window shares: its visitors, its limits, what was said, and how to answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from channels.base import Request, Response, Unavailable
from channels.inbox import Inbox
from channels.intake import Intake
from channels.web.gate import Gate
from channels.web.room import Room
from channels.web.settings import WebSettings
from channels.web.visitors import Visitors
from channels.web.words import Tongue, tongue
from normalizer.message import Identity, Spooled
from normalizer.said import Said

_LOOKS, _PAUSE = 50, 0.2  # seconds: a busy desk reads what it stored a moment later


@dataclass(frozen=True, slots=True)
class Window:
    """Of one channel; `now` is the time of day, `clock` counts seconds and only runs forward."""

    settings: WebSettings
    inbox: Inbox
    intake: Intake
    now: Callable[[], datetime]
    clock: Callable[[], float]
    gate: Gate
    room: Room = field(default_factory=Room)
    visitors: Visitors = field(default_factory=Visitors)

    def visitor(self, request: Request) -> str:
        """Who asks. Raises Refused."""
        visitor = self.visitors.of(request.headers.get("x-visitor", ""))
        self.room.looks(visitor, self.now())
        return visitor

    async def is_away(self, visitor: str) -> bool:
        """Whether nobody has been on the page, or written, for a while. Raises Unavailable."""
        since = self.now() - timedelta(seconds=self.settings.away)
        looked_at = self.room.looked_at(visitor)
        if looked_at and looked_at > since:
            return False
        return not any(one.at > since for one in await self.said(visitor) if not one.ours)

    async def said(self, visitor: str) -> Sequence[Said]:
        """What was said with a visitor. Raises Unavailable."""
        try:
            return await self.inbox.said(Identity("web", visitor))
        except Exception as error:  # whatever it is, the browser may ask again
            raise Unavailable from error

    async def said_with(self, visitor: str, message_id: str) -> Sequence[Said]:
        """What was said, this message of theirs among it: what is stored may yet have to be read.

        Raises Unavailable.
        """
        for _ in range(_LOOKS):
            said = await self.said(visitor)
            if any(one.message_id == message_id for one in said) or not self.intake.is_open:
                return said
            await asyncio.sleep(_PAUSE)
        return await self.said(visitor)

    async def octets(self, sha256: str) -> bytes | None:
        """A file's bytes. Raises Unavailable."""
        try:
            found = await self.inbox.octets(sha256)
            if isinstance(found, Spooled):
                return await asyncio.to_thread(Path(found.path).read_bytes)
        except Exception as error:
            raise Unavailable from error
        return found

    def tongue(self, request: Request) -> Tongue:
        """The language in which somebody is answered."""
        return tongue(request.headers.get("accept-language", ""), self.settings.language)


def data(status: int, said: dict[str, Any], *headers: tuple[str, str]) -> Response:
    """An answer to a script."""
    body = json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")
    return Response(status, body, (("Content-Type", "application/json"), *headers))
