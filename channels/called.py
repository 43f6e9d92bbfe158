"""What all channels do alike that a platform calls, and that look at its API from time to time."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import structlog

from channels.base import Accept, DeliveryError, Host, Receipt, Request, Response, Unavailable
from channels.intake import Intake
from channels.platform_api import PlatformApi
from normalizer.message import Envelope, Transport

_AGAIN = 60.0  # seconds until the next look where one failed
_LONGEST = 300.0  # seconds that a look may take

_log = structlog.get_logger()


def now() -> datetime:
    return datetime.now(UTC)


class Called(ABC):
    """One account on a platform. A channel adds `send`, and how its own platform is spoken with:
    `is_theirs`, `hear` and `look`.

    `format` names the reader of its envelopes, `pause` are the seconds between two looks.
    """

    format: ClassVar[str]
    pause: ClassVar[float] = 3600.0
    methods: ClassVar[str] = "POST"
    unproved: ClassVar[bytes] = b"The signature is not right."
    silent_after = timedelta(hours=2)

    def __init__(
        self,
        name: str,
        host: Host,
        platform: PlatformApi,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.name = name
        self._clock, self._platform = clock, platform
        self._folder = host.data_dir / "spool"
        self._intake = Intake(self._folder)
        self._began: datetime | None = None

    @abstractmethod
    def is_theirs(self, request: Request) -> bool:
        """Whether it was the platform that made this call."""

    @abstractmethod
    async def hear(self, request: Request) -> Response:
        """What a call of the platform's is answered once all that it brings is durable. Raises
        Unavailable.
        """

    @abstractmethod
    async def look(self) -> None:
        """Ask the platform what it says of us. Raises DeliveryError and Unavailable."""

    @property
    def ready(self) -> bool:
        return self._intake.is_open

    @property
    def heard_at(self) -> datetime | None:
        """It is the platform that calls: we are up before its API has answered for the first time."""
        return self._platform.heard_at or self._began

    @property
    def trouble(self) -> str:
        return self._platform.trouble

    async def receive(self, accept: Accept) -> None:
        self._began = self._clock()
        async with self._intake.open(accept):
            while True:
                wait = self.pause if await self._looked() else _AGAIN
                await asyncio.sleep(wait)

    async def _looked(self) -> bool:
        """Whether it went well; whatever a look comes to, we can be called meanwhile."""
        try:
            async with asyncio.timeout(_LONGEST):
                await self.look()
        except (DeliveryError, TimeoutError, Unavailable):
            return False
        except Exception:
            _log.exception("platform.look_failed", channel=self.name)
            return False
        return True

    async def answer(self, request: Request) -> Response:
        """One call at `/in/NAME`. Raises Unavailable, and then the platform comes again."""
        if request.path.strip("/"):
            return Response(404)
        if request.method != "POST":
            return Response(405, headers=(("Allow", self.methods),))
        if not self.is_theirs(request):
            return Response(401, self.unproved)
        if not self.ready:
            raise Unavailable
        return await self.hear(request)

    async def take(
        self, raw: bytes, unit: str, at: datetime | None = None, peer: str = ""
    ) -> Receipt:
        """Hand one event in. Raises Unavailable."""
        return await self._intake.take(
            Envelope(
                channel=self.name,
                format=self.format,
                raw=raw,
                unit=unit,
                received_at=at or self._clock(),
                transport=Transport(peer=peer),
            )
        )

    async def close(self) -> None:
        await self._platform.close()
