"""The channel `telegram`: updates are asked for or brought; each is stored before it is confirmed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from channels.base import (
    Accept,
    ChannelDown,
    DeliveryError,
    Host,
    InDoubt,
    Rejected,
    Request,
    Response,
    Sent,
    Unavailable,
)
from channels.intake import Intake
from channels.pause import after, between
from channels.telegram.groups import Groups
from channels.telegram.settings import TelegramSettings
from channels.telegram.update import chat_of, has_left, id_of, is_in_group, number_in, said_at
from channels.turns import Turns
from normalizer.message import Envelope, Message, Spooled
from normalizer.tables import table, text_of

_WAIT = 25  # seconds that Telegram holds a question while nothing comes
_SILENT = timedelta(minutes=5)
_AGAIN = 300.0  # seconds before a bot that is refused, or another's, is tried again
_LOOK = 120.0  # seconds between looks whether Telegram still calls us
_KEPT_AT_MOST = timedelta(hours=24)  # Telegram keeps an update no longer

_log = structlog.get_logger()


def now() -> datetime:
    return datetime.now(UTC)


class Telegram:
    """A bot in private chats; it leaves groups that it is put into."""

    Settings = TelegramSettings
    most = 2**20

    def __init__(
        self,
        settings: TelegramSettings,
        host: Host,
        *,
        clock: Callable[[], datetime] = now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        # Two seconds and 100 MB that only those pay who have a bot.
        from channels.telegram.bot import BotApi, Taken, TokenRefused

        self.name, self.ready, self.trouble = settings.name, False, ""
        self.heard_at: datetime | None = None
        self.silent_after = _SILENT
        self._settings, self._host = settings, host
        self._api = BotApi(settings.token, settings.api)
        self._hopeless = (Taken, TokenRefused)
        self._clock, self._sleep = clock, sleep
        self._intake, self._turns = Intake(host.data_dir / "spool"), Turns()
        self._groups = Groups(self._api, host.past(settings.name), settings.name)
        self._secret = hmac.new(
            settings.token.encode(), f"webhook {settings.name}".encode(), hashlib.sha256
        ).hexdigest()

    async def receive(self, accept: Accept) -> None:
        async with self._intake.open(accept):
            try:
                await (self._be_called() if self._settings.hook else self._poll())
            finally:
                self.ready = False

    async def _poll(self) -> None:
        """Ask, store, and only then ask for what follows: that is what confirms at Telegram.

        No offset is kept: what was not confirmed comes again, and the ledger knows it. After an
        empty answer there is nothing to confirm, and a numbering that began anew is heard.
        """
        offset, tries = None, 0
        while True:
            try:
                updates = await self._api.updates(offset, _WAIT if self.ready else 0)
            except DeliveryError as error:
                await self._rest(error, tries)
                tries += 1
                continue
            self._heard()
            failed = await asyncio.shield(asyncio.ensure_future(self._take_all(updates)))
            ids = [id_ for update in updates if (id_ := id_of(update)) is not None]
            offset = min(failed) if failed else max(ids) + 1 if ids else None
            tries = tries + 1 if failed else 0
            if failed:
                await self._sleep(between(tries))

    async def _take_all(self, updates: list[Any]) -> list[int]:
        """Store a batch, each chat in its order; the numbers of what could not be stored now."""
        chats: dict[int, list[Any]] = defaultdict(list)
        for update in updates:
            if id_of(update) is not None:
                chats[chat_of(update)].append(update)
        ended = await asyncio.gather(*(self._take_chat(chat) for chat in chats.values()))
        return [id_ for id_ in ended if id_ is not None]

    async def _take_chat(self, updates: list[Any]) -> int | None:
        for update in updates:
            try:
                await self._take(update)
            except Unavailable:
                return id_of(update)
        return None

    async def _take(self, update: Any) -> None:
        if is_in_group(update):
            if not has_left(update):
                await self._groups.leave(chat_of(update))
            return
        raw = json.dumps(update, separators=(",", ":")).encode()
        await self._store(raw, str(id_of(update)), self._said_at(update))
        self._host.failpoint("F11")
        if pressed := text_of(table(update.get("callback_query")).get("id")):
            await self._seen(pressed)

    async def _store(self, raw: bytes, unit: str, at: datetime) -> None:
        await self._intake.take(
            Envelope(channel=self.name, format="telegram", raw=raw, unit=unit, received_at=at)
        )

    def _said_at(self, update: Any) -> datetime:
        """When Telegram took it in, as far as that can be true."""
        said, now = said_at(update), self._clock()
        return said if said and now - _KEPT_AT_MOST < said < now else now

    async def _seen(self, pressed: str) -> None:
        """Let the button stop turning; if that fails, it stops by itself."""
        try:
            await self._api.seen(pressed)
        except DeliveryError as error:
            _log.info("telegram.press_not_answered", channel=self.name, reason=str(error))

    def _heard(self) -> None:
        self.heard_at, self.ready, self.trouble = self._clock(), True, ""

    async def _rest(self, error: DeliveryError, tries: int) -> None:
        """Wait as long as the trouble asks for."""
        _log.warning("telegram.unreachable", channel=self.name, reason=str(error))
        if isinstance(error, self._hopeless):
            self.trouble = str(error)
            await self._give_way()
            await self._sleep(_AGAIN)
        else:
            await self._sleep(after(error, tries))

    async def _give_way(self) -> None:
        """A webhook of this very channel, from when it was called, is in nobody's use."""
        try:
            info = await self._api.webhook()
            if info.url and info.url.endswith(f"/in/{self.name}") and not self._settings.hook:
                await self._api.unset_webhook()
        except DeliveryError:
            return

    async def _be_called(self) -> None:
        """Say where we are called, and see from time to time that it stays so."""
        tries = 0
        while True:
            try:
                await self._set()
            except DeliveryError as error:
                await self._rest(error, tries)
                tries += 1
                continue
            tries = 0
            await self._sleep(_LOOK)

    async def _set(self) -> None:
        info = await self._api.webhook()
        # The secret cannot be asked for, so a fresh start says it again.
        if info.url != self._settings.hook or not self.ready:
            await self._api.set_webhook(self._settings.hook, self._secret)
            info = await self._api.webhook()
        self._heard()
        failed = info.last_error_date
        if info.pending_update_count and failed and self._clock() - failed < _SILENT:
            self.trouble = f"Telegram cannot call us: {info.last_error_message}"

    async def answer(self, request: Request) -> Response:
        """One update; 200 once it is stored."""
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not given:
            return Response(401)
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            return Response(403)
        if request.method != "POST":
            return Response(405)
        if not self._intake.is_open:
            raise Unavailable
        try:
            update = json.loads(request.body)
        except (ValueError, RecursionError):
            update = None
        if id_of(update) is None:  # stored all the same, for a person to look at
            unit = f"sha256:{hashlib.sha256(request.body).hexdigest()}"
            await self._store(request.body, unit, self._clock())
        else:
            async with self._turns.of(str(chat_of(update))):
                await self._take(update)
        return Response(200)

    async def send(self, message: Message, key: str) -> Sent:  # noqa: ARG002  the seam's
        """One text with its buttons, or one file; the Bot API takes no `key`."""
        chat = message.to[0].address
        about = number_in(message.in_reply_to, chat)
        if message.text.strip():
            sent = await self._api.say(chat, message.text, about, message.buttons)
        elif message.parts:
            sent = await self._api.show(chat, message.parts[0], about)
        else:
            raise Rejected("there is nothing to say")
        return Sent(f"telegram:{chat}:{sent}")

    async def fetch(self, source: str) -> bytes | Spooled:
        try:
            return await self._api.file(source)
        except InDoubt as error:  # asking twice does no harm
            raise ChannelDown(str(error)) from error

    async def check(self) -> str:
        name, joins = await self._api.name()
        info = await self._api.webhook()
        if info.url and info.url != self._settings.hook:
            raise ChannelDown(
                f"@{name} is called by webhook at {info.url}; if that is nobody's any more, remove"
                ' it (deleteWebhook), or say mode = "webhook" with that public_url'
            )
        said = f"@{name} answers"
        if self._settings.hook and not info.url:
            said += "; its webhook will be set when the daemon starts"
        if joins:
            said += "; it may be put into groups, which it leaves: /setjoingroups at @BotFather forbids it"
        return said

    async def close(self) -> None:
        await self._api.close()
