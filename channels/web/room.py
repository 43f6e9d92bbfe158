"""Where visitors' browsers wait for news: each is woken when something was said to it."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from channels.recent import Recent

MOST = 200  # browsers that wait at a time; the HTTP side has some more connections than that
_EACH = 4  # of them one visitor's: so many pages are open in as many tabs
_PEER = 50  # … and from one address, behind which a whole office may sit
_REMEMBERED = 20_000  # visitors of whom we know when they looked


class Room:
    """Whoever finds no seat asks again after a while instead of waiting."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._seats: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._peers: Counter[str] = Counter()
        self._looked: Recent[str, datetime] = Recent(_REMEMBERED)

    def looks(self, visitor: str, now: datetime) -> None:
        """Somebody is on the page, whether or not anything was said."""
        self._looked[visitor] = now

    def looked_at(self, visitor: str) -> datetime | None:
        """When somebody was on the page last, as far as we remember."""
        return self._looked.get(visitor)

    @contextmanager
    def seat(self, visitor: str, peer: str) -> Iterator[asyncio.Event | None]:
        """An event that is set by news from now on; None if too many wait already."""
        full = self._peers.total() >= self._most or self._peers[peer] >= _PEER
        if full or len(self._seats[visitor]) >= _EACH:
            self._tidy(visitor)
            yield None
            return
        woken = asyncio.Event()
        self._seats[visitor].add(woken)
        self._peers[peer] += 1
        try:
            yield woken
        finally:
            self._seats[visitor].discard(woken)
            self._peers[peer] -= 1
            self._peers += Counter()  # without those who have left
            self._tidy(visitor)

    def _tidy(self, visitor: str) -> None:
        if not self._seats[visitor]:
            del self._seats[visitor]

    def wake(self, visitor: str) -> None:
        for woken in self._seats.get(visitor, ()):
            woken.set()

    def wake_all(self) -> None:
        for visitor in list(self._seats):
            self.wake(visitor)


async def nap(woken: asyncio.Event, seconds: float) -> None:
    """Until there is news, at most so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await woken.wait()
