"""Reading from the store for requests: few at a time, and never longer than a client would wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BufferedReader
from typing import TypeVar

from sqlalchemy import Connection

from gateway.api.problem import Absent
from store.engine import StoreUnavailable
from store.known import Raw
from store.store import Store

T = TypeVar("T")

# Mail comes first: so many of the process's threads and of the store's readers are ours at most.
AT_ONCE = 3
PATIENCE = 10.0  # seconds
_CHUNK = 256 * 2**10


class Reads:
    """`await reads(query)`; raises StoreUnavailable, also when the answer takes too long."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, query: Callable[[Connection], T]) -> T:
        return await self._bounded(self._store.read(query))

    async def found(self, query: Callable[[Connection], T | None]) -> T:
        """As a call; raises Absent instead of returning None."""
        found = await self(query)
        if found is None:
            raise Absent("There is nothing with this id.")
        return found

    async def aside(self, work: Callable[[], T]) -> T:
        """Run other work in a thread, under the same limits."""
        return await self._bounded(asyncio.to_thread(work))

    async def whole(self, stored: Raw) -> AsyncIterator[bytes]:
        """Stored bytes in pieces; raises Absent before the first when the file is gone."""
        if stored.data is not None:
            return _one(stored.data)
        return _pieces(await self._open(stored))

    async def head(self, stored: Raw, size: int) -> bytes:
        """The first `size` octets."""
        if stored.data is not None:
            return stored.data[:size]
        file = await self._open(stored)
        with file:
            return await asyncio.to_thread(file.read, size)

    async def _open(self, stored: Raw) -> BufferedReader:
        path = self._store.blobs.path(stored.sha256)
        try:
            return await self.aside(lambda: path.open("rb"))
        except FileNotFoundError:
            raise Absent("The file with these bytes is missing.") from None
        except OSError as error:
            raise StoreUnavailable(type(error).__name__) from error

    async def _bounded(self, work: Awaitable[T]) -> T:
        # A thread cannot be cancelled: what nobody waits for any more keeps its slot until it ends.
        task = asyncio.ensure_future(self._in_turn(work))
        task.add_done_callback(_seen)
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(task)
        except TimeoutError:
            raise StoreUnavailable("the store takes too long to answer") from None

    async def _in_turn(self, work: Awaitable[T]) -> T:
        async with self._slots:
            return await work


def _seen(task: asyncio.Task[T]) -> None:
    if not task.cancelled():
        task.exception()


async def _one(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _pieces(file: BufferedReader) -> AsyncIterator[bytes]:
    with file:
        while piece := await asyncio.to_thread(file.read, _CHUNK):
            yield piece
