"""Which chat is whose: who is in a room, and where a customer wrote last."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from channels.base import Past, Rejected
from channels.recent import Recent

if TYPE_CHECKING:
    from channels.matrix.api import MatrixApi

_MOST = 10_000  # rooms of which we know by heart who is in them
_OWED = "owed"
_GONE = "gone"


class Rooms:
    """Rooms of one account; what must survive the process is noted in its past."""

    def __init__(self, api: MatrixApi, past: Past, own: str) -> None:
        self._api, self._past, self._own = api, past, own
        self._in: Recent[str, dict[str, str]] = Recent(_MOST)
        self._of: Recent[str, str] = Recent(_MOST)

    async def others(self, room: str) -> dict[str, str]:
        """Who is in a room beside us, with their names. Raises DeliveryError."""
        if room not in self._in:
            members = await self._api.members(room)
            self._in[room] = {user: name for user, name in members.items() if user != self._own}
        return self._in[room]

    def moved(self, room: str) -> None:
        """Somebody came or went."""
        self._in.pop(room, None)

    async def remember(self, user: str, room: str) -> None:
        """That this is where the customer can be written to."""
        if self._of.get(user) != room:
            await self._past.note(_chat(user), room)
            self._of[user] = room

    async def welcome(self, user: str, room: str) -> None:
        """That the customer is in this chat, too; where they wrote counts more."""
        if not await self._known(user) or await self.is_chat(user, _GONE):
            await self.remember(user, room)

    async def gone(self, user: str) -> None:
        """That the customer does not want to be written to in this chat any more."""
        await self.remember(user, _GONE)

    async def forget(self, users: list[str], room: str) -> None:
        """That this room is no place to write to them; another one can be opened."""
        for user in users:
            if await self._past.recall(_chat(user)) == room:
                await self.remember(user, "")

    async def is_chat(self, user: str, room: str) -> bool:
        """Whether this is where the customer wrote last."""
        return await self._known(user) == room

    async def _known(self, user: str) -> str:
        return self._of.get(user) or await self._past.recall(_chat(user))

    async def of(self, user: str) -> str:
        """Where to write to a customer. Raises DeliveryError: Rejected if they left.

        Somebody who never wrote is asked to join a chat that is opened now.
        """
        room = await self._known(user)
        if room == _GONE:
            raise Rejected("the customer has left the chat", "address_dead")
        if not room:
            room = await self._api.open(user)
            await self.remember(user, room)
        return room

    async def owed(self) -> dict[str, str]:
        """Rooms that could not be read when they should: room → the cursor until which."""
        noted = await self._past.recall(_OWED)
        return {str(room): str(until) for room, until in json.loads(noted or "{}").items()}

    async def owe(self, rooms: dict[str, str]) -> None:
        await self._past.note(_OWED, json.dumps(rooms))

    async def has_heard(self, what: str, room: str) -> bool:
        """Whether something that is said once was said in this room."""
        return bool(await self._past.recall(f"{what}:{room}"))

    async def heard(self, what: str, room: str) -> None:
        await self._past.note(f"{what}:{room}", "yes")


def transaction(*parts: str) -> str:
    """A name for one thing that is said: the same each time, and as short as homeservers like it."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def _chat(user: str) -> str:
    return f"chat:{user}"
