"""Chats that we are asked into: noted before the cursor passes them, joined beside the reading."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from channels.base import DeliveryError, Rejected, Unavailable
from channels.notes import Notes

if TYPE_CHECKING:
    from channels.matrix.api import MatrixApi

_NOTE = "invited"
_MOST = 1000  # that wait
_TRIES = 12  # the last about a day after the first
_AT_ONCE = 16
_LONGEST = 4 * 3600.0  # seconds between two tries

_log = structlog.get_logger()


class Invites:
    """Matrix tells of an invitation once. A homeserver that hangs keeps none but its own waiting."""

    def __init__(
        self, api: MatrixApi, past: Notes, channel: str, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._api, self._past, self._channel, self._sleep = api, past, channel, sleep
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def begin(self) -> None:
        """Go on with what was noted."""
        for room in await self._noted():
            if room not in self._tasks:
                self._follow(room)

    async def expect(self, rooms: list[str]) -> None:
        """Rooms to join: noted when this returns."""
        for room in rooms:
            if room not in self._tasks:
                self._follow(room)
        if rooms:
            await self._note(list(self._tasks))

    async def end(self) -> None:
        """Whatever waits is still noted."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _follow(self, room: str) -> None:
        self._tasks[room] = asyncio.create_task(self._join(room))

    async def _join(self, room: str) -> None:
        for tries in range(_TRIES):
            if await self._joined(room):
                break
            await self._sleep(min(_LONGEST, 10.0 * 2**tries) * random.uniform(0.5, 1))  # noqa: S311  nobody gains by guessing it
        else:
            _log.warning("matrix.not_joined", channel=self._channel, reason="tried for a day")
        self._tasks.pop(room, None)
        try:
            await self._note(list(self._tasks))
        except Unavailable:  # then it is joined again after the next start, which changes nothing
            return

    async def _joined(self, room: str) -> bool:
        """Whether there is nothing left to do."""
        try:
            async with self._gate:
                await self._api.join(room)
        except Rejected as error:
            _log.warning("matrix.not_joined", channel=self._channel, reason=str(error))
        except DeliveryError:
            return False
        return True

    async def _noted(self) -> list[str]:
        noted = await self._past.recall(_NOTE)
        return [str(room) for room in json.loads(noted)] if noted else []

    async def _note(self, rooms: list[str]) -> None:
        await self._past.note(_NOTE, json.dumps(rooms[-_MOST:]))
