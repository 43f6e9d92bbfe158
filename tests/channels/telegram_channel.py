"""The channel `telegram` as tests run it: beside a desk, and without its pauses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from channels.base import Host, NoPast, Receipt, Request, Unavailable
from channels.telegram import Telegram
from channels.telegram.settings import TelegramSettings
from channels.testing import PAUSE, Given, Told, Trouble, call, told
from normalizer.message import Address, Envelope, Message
from tests import making
from tests.telegram_server import TOKEN, BotServer, Refusal, update


class Desk:
    """Takes envelopes as the gateway does; `down` makes it raise Unavailable."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.down = False
        self.refused = 0

    async def __call__(self, envelope: Envelope) -> Receipt:
        if self.down:
            self.refused += 1
            raise Unavailable
        self.taken.append(envelope)
        return Receipt(len(self.taken), "accepted")

    @property
    def units(self) -> list[str]:
        return [envelope.unit for envelope in self.taken]


class Pauses:
    """Instead of sleeping: notes how long it would have been, and lets the loop turn."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(
    bot: BotServer,
    folder: Path,
    desk: Desk,
    *,
    token: str = TOKEN,
    past: Any = None,
    **more: Any,
) -> AsyncIterator[tuple[Telegram, Pauses]]:
    pauses = Pauses()
    settings = TelegramSettings(name="tg", type="telegram", token=token, api=bot.url, **more)
    kept = past or NoPast()
    channel = Telegram(settings, Host("desk", folder, past=lambda _: kept), sleep=pauses)
    task = asyncio.create_task(channel.receive(desk))
    try:
        yield channel, pauses
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await channel.close()


async def until(true: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return true()

    await making.until(holds)


def reply(text: str = "We have it.", **more: Any) -> Message:
    return Message(kind="reply", to=(Address("", "77"),), text=text, **more)


REFUSALS: dict[Trouble, Refusal] = {
    "down": Refusal(502, "Bad Gateway"),
    "busy": Refusal(429, "Too Many Requests", {"retry_after": PAUSE.seconds}),
    "unwanted": Refusal(400, "Bad Request: message is too long"),
    "gone": Refusal(403, "Forbidden: bot was blocked by the user"),
    "vanishes": Refusal(0),
}


class CalledSubject:
    """A bot that Telegram calls, for the conformance kit."""

    to = Address("", "77")
    more: ClassVar[dict[str, Any]] = {
        "mode": "webhook", "public_url": "https://desk.example.com",
    }  # fmt: skip

    def __init__(self, bot: BotServer) -> None:
        self._bot = bot
        self._numbers: dict[str, int] = {}

    def make(self, host: Host) -> Telegram:
        facts = {"name": "tg", "type": "telegram", "token": TOKEN, "api": self._bot.url}
        self._channel = Telegram(TelegramSettings(**facts | self.more), host, sleep=Pauses())
        return self._channel

    def _update(self, id_: str, text: str) -> dict[str, Any]:
        return update(self._numbers.setdefault(id_, len(self._numbers) + 1), text)

    async def offer(self, id_: str, text: str) -> Told:
        return told(await self._call(json.dumps(self._update(id_, text)).encode()))

    async def poison(self, octets: bytes) -> None:
        await self._call(octets)
        await self._call(b'{"update_id":9,"message":' + octets + b"}")

    async def _call(self, body: bytes) -> int:
        secret = self._bot.said("setWebhook")[-1]["secret_token"]
        headers = {"x-telegram-bot-api-secret-token": secret}
        return await call(self._channel, Request("POST", "", "", headers, body, "192.0.2.1"))

    async def trouble(self, how: Trouble | None) -> None:
        self._bot.refusals = {"sendMessage": REFUSALS[how]} if how else {}

    def given(self) -> list[Given]:
        return [Given(fields["text"], "") for fields in self._bot.said()]


class AskingSubject(CalledSubject):
    """A bot that asks Telegram for its updates."""

    more: ClassVar[dict[str, Any]] = {}

    async def offer(self, id_: str, text: str) -> Told:
        made = self._update(id_, text)
        done = self._bot.confirmed.count(made["update_id"])
        self._bot.put(made)
        await until(lambda: self._bot.confirmed.count(made["update_id"]) > done)
        return "taken"

    async def poison(self, octets: bytes) -> None:
        self._bot.put({"update_id": 10**6 + len(octets), "message": octets.hex()})
