"""An account on a real homeserver, its customer, and the subject for the conformance kit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, TypeVar

from channels.base import Channel, Host
from channels.matrix import Matrix
from channels.testing import Given, Told, Trouble
from normalizer.message import Address
from tests.daemon.synapse import MatrixError, Person, Synapse, call
from tests.matrix_proxy import Proxy, proxy_of

T = TypeVar("T")


class Chat:
    """Our account, behind a proxy, and a customer with a chat of theirs."""

    def __init__(self, server: Synapse, proxy: Proxy) -> None:
        self.server, self.proxy = server, proxy
        self.desk, self.yuki = server.person(), server.person()
        self.room = ""

    def settings(self, **more: Any) -> Any:
        facts = {
            "name": "matrix", "type": "matrix", "homeserver": self.proxy.url,
            "user": self.desk.user, "access_token": self.desk.token,
        }  # fmt: skip
        return Matrix.Settings.model_validate(facts | more)

    async def open(self, who: Person | None = None, *others: str, **more: Any) -> str:
        """A new chat with us; until we are in it."""
        who = who or self.yuki
        room = await off(lambda: who.chat_with(self.desk.user, *others, **more))
        await until(lambda: off(lambda: self.desk.user in who.members(room)))
        self.room = self.room or room
        return room

    async def until_done(self, event: str) -> None:
        async def done() -> bool:
            return event in self.proxy.done

        await until(done)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what a homeserver does in its own time; it is asked again until it holds."""
    async with asyncio.timeout(90):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


async def off(work: Callable[[], T]) -> T:
    """What blocks, beside the loop."""
    return await asyncio.to_thread(work)


@contextmanager
def chat(server: Synapse) -> Iterator[Chat]:
    with proxy_of(server.url) as proxy:
        yield Chat(server, proxy)


class MatrixSubject:
    """Synapse: who writes is Synapse's customer, what fails is the line to it."""

    refusals: ClassVar[dict[Trouble, tuple[int, dict[str, Any]]]] = {
        "busy": (429, {"errcode": "M_LIMIT_EXCEEDED", "error": "slow", "retry_after_ms": 7000}),
        "unwanted": (413, {"errcode": "M_TOO_LARGE", "error": "event too large"}),
        "gone": (403, {"errcode": "M_FORBIDDEN", "error": "not in the room"}),
    }

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.to = Address("", chat.yuki.user)

    def make(self, host: Host) -> Channel:
        return Matrix(self._chat.settings(), host)

    async def _room(self) -> str:
        return self._chat.room or await self._chat.open()

    async def offer(self, id_: str, text: str) -> Told:
        room = await self._room()
        try:
            event = await off(lambda: self._chat.yuki.say(room, text, id_))
        except MatrixError:
            return "refused"
        await self._chat.until_done(event)
        return "taken"

    async def poison(self, octets: bytes) -> None:
        """As the content of an event, and as its words."""
        room, yuki = await self._room(), self._chat.yuki
        path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/p{hash(octets)}"
        with suppress(MatrixError):
            await off(lambda: call(yuki.url, "PUT", path, octets, yuki.token))
        with suppress(MatrixError):
            await off(lambda: yuki.say(room, octets.decode("latin-1")))

    async def trouble(self, how: Trouble | None) -> None:
        if how is None:
            self._chat.proxy.refusal, self._chat.proxy.mode = None, ""
            await self._room()
        elif how == "down":
            self._chat.proxy.mode = "down"
        else:
            self._chat.proxy.refusal = self.refusals[how]

    def given(self) -> list[Given]:
        return [Given(one.content["body"], one.transaction) for one in self._chat.proxy.said]
