"""A mail while it arrives by SMTP: small ones in memory, large ones in a synced file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from channels.spool import SPOOLED_FROM, Spool
from normalizer.message import Spooled

_Result = TypeVar("_Result")

_BACKLOG = 1024 * 1024


class Spooling(NamedTuple):
    """Where large mails go, whose threads write them, and who sees their tasks to the end."""

    folder: Path
    executor: Executor
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Body:
    """What has arrived of one mail. Once it outgrows memory, a task writes it out piece by piece.

    `on_relief` is called when a backlog has been written, so that reading may go on.
    """

    def __init__(self, name: str, spooling: Spooling, on_relief: Callable[[], None]) -> None:
        self.size = 0
        self._name = name
        self._spooling = spooling
        self._on_relief = on_relief
        self._pieces: list[bytes] = []
        self._more: asyncio.Event | None = None
        self._ended = False
        self._wanted = True
        self._writing: asyncio.Task[None] | None = None
        self._spooled: Spooled | None = None
        self._failure: OSError | None = None

    def add(self, content: bytes) -> None:
        self.size += len(content)
        if self._wanted:
            self._pieces.append(content)
            if self.size > SPOOLED_FROM:
                self._wake()

    @property
    def is_behind(self) -> bool:
        """Whether the peer is faster than the disk, so that reading should pause."""
        return self._writing is not None and sum(map(len, self._pieces)) > _BACKLOG

    async def close(self) -> bytes | Spooled:
        """The whole mail, durable if it is a file. Raises OSError if the disk would not take it."""
        if self._writing is None:
            return b"".join(self._pieces)
        self._ended = True
        self._wake()
        await asyncio.shield(self._writing)
        if self._spooled is None:
            raise self._failure or OSError("the mail was discarded")
        return self._spooled

    def discard(self) -> None:
        """Forget what has arrived, and take no more; `size` goes on counting."""
        self._wanted = False
        self._pieces.clear()
        if self._writing is not None:
            self._ended = True
            self._wake()

    async def remove(self) -> None:
        """Delete the file of a mail that nobody took over."""
        if self._spooled is not None:
            await self._run(partial(Path(self._spooled.path).unlink, missing_ok=True))

    def _wake(self) -> None:
        if self._more is None:
            self._more = asyncio.Event()
            self._writing = self._spooling.spawn(self._write(self._more))
        self._more.set()

    async def _write(self, more: asyncio.Event) -> None:
        try:
            spool = await self._run(partial(Spool, self._spooling.folder / f"{self._name}.eml"))
            try:
                await self._follow(spool, more)
                if self._wanted:
                    self._spooled = await self._run(spool.finish)
            finally:
                if self._spooled is None:
                    await self._run(spool.discard)
        except OSError as error:
            self._failure = error
            self._wanted = False
            self._pieces.clear()
            self._on_relief()

    async def _follow(self, spool: Spool, more: asyncio.Event) -> None:
        while self._pieces or not self._ended:
            await more.wait()
            more.clear()
            pieces, self._pieces = self._pieces, []
            await self._run(partial(spool.write, pieces))
            self._on_relief()

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._spooling.executor, work)
