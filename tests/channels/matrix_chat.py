"""The channel `matrix` as tests run it: beside a desk that takes in and remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from channels.base import Host, NoPast, Receipt, Unavailable
from channels.matrix import Matrix
from normalizer import normalize
from normalizer.message import Address, Envelope, Message
from tests.channels.matrix_channel import Chat, off, until
from tests.daemon.synapse import Person


class Desk(NoPast):
    """Takes envelopes as the gateway does, and remembers as the store does."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Envelope] = []
        self.troubles = 0

    async def __call__(self, envelope: Envelope) -> Receipt:
        if self.troubles:
            self.troubles -= 1
            raise Unavailable
        await self.accepting(envelope)
        self.taken.append(envelope)
        return Receipt(len(self.taken), "accepted")

    async def accepting(self, envelope: Envelope) -> None:
        """What happens at the commit."""

    async def units(self, prefix: str, /) -> frozenset[str]:
        found = (one.unit for one in self.taken)
        return frozenset(unit[len(prefix) :] for unit in found if unit.startswith(prefix))

    @property
    def messages(self) -> list[Message]:
        return [normalize(envelope)[0] for envelope in self.taken]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]


@asynccontextmanager
async def running(one: Chat, desk: Desk, folder: Path, **more: Any) -> AsyncIterator[Matrix]:
    """The channel, ready."""
    channel = Matrix(
        one.settings(**more), Host("desk", folder, past=lambda _: desk), sleep=_at_once
    )
    task = asyncio.create_task(channel.receive(desk))
    try:
        await holds(lambda: channel.ready or task.done())
        yield channel
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await channel.close()


async def _at_once(_: float) -> None:
    await asyncio.sleep(0.01)


async def holds(true: Callable[[], bool]) -> None:
    async def asked() -> bool:
        return true()

    await until(asked)


async def at_home(one: Chat, desk: Desk) -> str:
    """A chat with the customer, of which we know that it is theirs."""
    room = await one.open()

    async def noted() -> bool:
        return await desk.recall(f"chat:{one.yuki.user}") == room

    await until(noted)
    return room


def words(one: Chat, room: str, who: Person | None = None) -> Callable[[], Awaitable[list[Any]]]:
    """What we have said in a room."""
    reader = who or one.yuki

    async def look() -> list[Any]:
        events = await off(lambda: reader.events(room))
        return [
            e["content"] for e in events if e["sender"] == one.desk.user and "body" in e["content"]
        ]

    return look


def reply(to: str, text: str, **more: Any) -> Message:
    return Message(kind="reply", to=(Address("", to),), text=text, **more)
