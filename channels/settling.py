"""Reports that overtake the settling of what they are about wait for it a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from channels.recent import Recent

_GRACE = 2.0  # seconds in which the store learns what `send` returned, and no platform gives up
_MOST = 1000


class Settling:
    """A platform may know how a message fared before our store knows what it calls the message;
    such a report would be about nothing that we sent.
    """

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._sleep, self._clock = sleep, clock
        self._until: Recent[str, float] = Recent(_MOST)

    def sent(self, id_: str) -> None:
        """The platform took a message just now, and calls it so."""
        self._until[id_] = self._clock() + _GRACE

    async def settled(self, id_: str) -> None:
        """Return once a report about a message can be understood."""
        left = self._until.get(id_, 0.0) - self._clock()
        if left > 0:
            await self._sleep(left)
