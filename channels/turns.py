"""Whose turn it is: what one customer wrote goes in as it was written, one after the other."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")


class Turns:
    """The customers beside each other; calls at the same moment wait, as far as they are one's."""

    def __init__(self) -> None:
        self._of: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, whose: str) -> asyncio.Lock:
        """To be held while something of somebody's goes in."""
        return self._of.setdefault(whose, asyncio.Lock())

    async def take(
        self, events: Iterable[T], whose: Callable[[T], str], take: Callable[[T], Awaitable[None]]
    ) -> None:
        """All events of one call. Raises what one of them raised, after all have ended."""
        each: defaultdict[str, list[T]] = defaultdict(list)
        for event in events:
            each[whose(event)].append(event)
        ends = await asyncio.gather(
            *(self._in_turn(*one, take) for one in each.items()), return_exceptions=True
        )
        for end in filter(None, ends):
            raise end

    async def _in_turn(
        self, whose: str, events: Iterable[T], take: Callable[[T], Awaitable[None]]
    ) -> None:
        async with self.of(whose):
            for event in events:
                await take(event)
