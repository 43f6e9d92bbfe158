"""Reports that overtake the settling of what they are about wait for it a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from channels.base import Unavailable
from channels.recent import Recent

_GRACE = 2.0  # seconds in which the store learns what `send` returned, and no platform gives up
_LONGEST = 10.0  # seconds that a report waits for a platform to say what it calls a message
_MOST = 1000


class Settling:
    """A platform may know how a message fared before our store knows what it calls the message,
    and even before it has told us; such a report would be about nothing that we sent.
    """

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = monotonic,
        longest: float = _LONGEST,
    ) -> None:
        self._sleep, self._clock, self._longest = sleep, clock, longest
        self._until: Recent[str, float] = Recent(_MOST)
        self._going: set[asyncio.Future[None]] = set()

    @contextmanager
    def going(self) -> Iterator[None]:
        """Around a message on its way, which may be what a report with an unknown id is about."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._going.add(ended)
        try:
            yield
        finally:
            self._going.discard(ended)
            ended.set_result(None)

    def sent(self, id_: str) -> None:
        """The platform took a message just now, and calls it so."""
        self._until[id_] = self._clock() + _GRACE

    async def settled(self, id_: str) -> None:
        """Return once a report about a message can be understood. Raises Unavailable while that
        takes too long: the platform comes again.
        """
        if id_ and id_ not in self._until:
            await self._named(id_)
        left = self._until.get(id_, 0.0) - self._clock()
        if left > 0:
            await self._sleep(left)

    async def _named(self, id_: str) -> None:
        """Until what is under way now has its names; what is sent later has another."""
        pending: set[asyncio.Future[None]] = set(self._going)
        try:
            async with asyncio.timeout(self._longest):
                while pending and id_ not in self._until:
                    _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise Unavailable from None
