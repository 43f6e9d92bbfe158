"""Alarms as signed posts to a URL of the admin's, for when mail itself is what fails.

They wait in memory and need no store: that may be what the alarm is about.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog

from channels.base import ChannelDown
from channels.standard_webhooks import signed
from gateway.admin.reasons import told
from gateway.admin.words import ADVICE, spoken
from gateway.alarm import Alarm
from gateway.record import to_json
from store.rows import instant

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger()

_LOOK = 1.0  # seconds between looks
_PATIENCE = 10.0  # seconds for one post
_MOST = 100  # alarms that wait; the oldest go first
_WAITS = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300, 900))
_HOPELESS = timedelta(hours=12)


@dataclass(slots=True)
class _Post:
    alarm: Alarm
    due_at: datetime
    tries: int = 0


@dataclass(slots=True)
class Posts:
    """Posts each alarm until somebody answers 2xx; `key` signs (Standard Webhooks 1.0)."""

    url: str
    key: bytes
    name: str
    language: str
    zone: ZoneInfo
    clock: Callable[[], datetime]
    _waiting: deque[_Post] = field(default_factory=lambda: deque(maxlen=_MOST))

    def __call__(self, alarm: Alarm) -> None:
        """Take an alarm, in any thread."""
        self._waiting.append(_Post(alarm, self.clock()))

    async def run(self) -> None:
        """Post, until cancelled."""
        async with client() as peer:
            while True:
                await self.look(peer)
                await asyncio.sleep(_LOOK)

    async def look(self, peer: httpx.AsyncClient) -> None:
        """Try what is due, the oldest first."""
        for post in [one for one in self._waiting if one.due_at <= self.clock()]:
            if why := await self._tried(peer, post.alarm):
                self._later(post, why)
            elif post in self._waiting:
                self._waiting.remove(post)

    async def _tried(self, peer: httpx.AsyncClient, alarm: Alarm) -> str:
        """Why a post did not arrive; "" if it did."""
        body = self.body(alarm)
        headers = signed(self.key, _id(alarm), body, self.clock())
        try:
            async with asyncio.timeout(_PATIENCE):
                reply = await peer.post(self.url, content=body, headers=headers)
        except Exception as error:  # whatever it is, the alarm has not arrived
            return type(error).__name__
        return "" if reply.is_success else f"answered {reply.status_code}"

    def _later(self, post: _Post, why: str) -> None:
        now, alarm = self.clock(), post.alarm
        if now - alarm.at > _HOPELESS:
            log.warning("alarm.not_posted", kind=alarm.kind, reason=why)
            if post in self._waiting:
                self._waiting.remove(post)
            return
        post.due_at = now + _WAITS[min(post.tries, len(_WAITS) - 1)]
        post.tries += 1

    def body(self, alarm: Alarm) -> bytes:
        """What is posted, as JSON."""
        advice = ADVICE[spoken(self.language)][alarm.kind]
        data = {
            **alarm.data, "gateway": self.name, "kind": alarm.kind,
            "reason": told(alarm.reason, self.language, self.zone), "more": alarm.more, **advice._asdict(),
        }  # fmt: skip
        kind = "alarm.cleared" if alarm.cleared else "alarm.raised"
        return to_json({"type": kind, "timestamp": instant(alarm.at), "data": data}).encode()


def client() -> httpx.AsyncClient:
    """What posts; redirects are not followed, and no connection is kept."""
    import httpx

    return httpx.AsyncClient(
        timeout=_PATIENCE,
        limits=httpx.Limits(max_keepalive_connections=0),
        headers={"User-Agent": "Madoguchi", "Content-Type": "application/json"},
    )


async def knock(url: str) -> str:
    """See that somebody answers there, without posting anything. Raises ChannelDown."""
    host = urlsplit(url).hostname
    async with client() as peer:
        try:
            reply = await peer.head(url)
        except Exception as error:
            raise ChannelDown(f"{host} cannot be reached: {type(error).__name__}") from error
    return f"{host} answers ({reply.status_code}); nothing was posted"


def _id(alarm: Alarm) -> str:
    """The same at each try."""
    said = f"{alarm.kind}\0{alarm.about}\0{instant(alarm.at)}\0{alarm.cleared}"
    return f"alarm_{hashlib.sha256(said.encode()).hexdigest()[:32]}"
