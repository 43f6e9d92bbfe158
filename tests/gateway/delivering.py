"""What the tests of deliveries share: a peer that is stuck, and waiting for rows to be settled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from channels.base import Sent
from gateway.deliver import Deliver
from normalizer.message import Message
from tests.making import Desk, Wire, mail, until

MINUTE = timedelta(minutes=1)


class Stuck(Wire):
    """A peer that keeps the first mail of all waiting until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.given: asyncio.Queue[str] = asyncio.Queue()
        self.let_go = asyncio.Event()
        self.first = True

    async def send(self, message: Message, key: str) -> Sent:
        stuck, self.first = self.first, False
        self.given.put_nowait(key)
        if stuck:
            await self.let_go.wait()
        return await super().send(message, key)


async def states(desk: Desk) -> list[str]:
    return [row["state"] for row in await desk.rows("SELECT state FROM outbox ORDER BY id")]


async def settled(desk: Desk, wanted: set[str]) -> None:
    """Until every row is in one of the wanted states."""

    async def holds() -> bool:
        return set(await states(desk)) <= wanted

    await until(holds)


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def deliver_all(desk: Desk, deliver: Deliver | None = None, *ends: str) -> None:
    task = asyncio.create_task((deliver or desk.deliver()).run("mail"))
    await settled(desk, set(ends) or {"sent"})
    await stop(task)


async def fill(desk: Desk, mails: int) -> None:
    for n in range(mails):
        await desk.accept(mail(f"c{n}@example{n}.jp"))
