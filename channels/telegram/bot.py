"""The Bot API by way of aiogram, with errors as the seam names them; imported only if needed."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import aiogram.exceptions as refused
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import TelegramMethod
from aiogram.types import (
    BufferedInputFile,
    FSInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    ReplyParameters,
    WebhookInfo,
)
from aiohttp import ClientConnectorError, ClientError, ClientResponseError

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from channels.pause import asked
from normalizer.message import Button, Part, Spooled

T = TypeVar("T")

KINDS = ["message", "edited_message", "callback_query", "my_chat_member", "message_reaction"]
FILE_MOST = 20_000_000  # octets that getFile gives out
_PATIENCE = 30  # seconds for a call
_UPLOAD = 100  # … that carries a file
_ROW = 24  # characters of labels that stand beside each other on a telephone
_PHOTO_MOST = 10_000_000
_NOBODY = ("chat not found", "user not found", "peer_id_invalid", "user is deactivated")


class TokenRefused(ChannelDown):
    """Telegram does not know this token; @BotFather gives another."""


class Taken(ChannelDown):
    """Somebody else gets this bot's updates."""


class _Updates(TelegramMethod[list[Any]]):
    """getUpdates as JSON: an update that aiogram's types do not know holds up no other."""

    __returning__ = list[Any]
    __api_method__ = "getUpdates"

    offset: int | None
    timeout: int
    allowed_updates: list[str]


class BotApi:
    """One bot. Every method raises a DeliveryError, without the token in it."""

    def __init__(self, token: str, server: str) -> None:
        self._token = token
        session = AiohttpSession(api=TelegramAPIServer.from_base(server))
        self._bot = Bot(token, session=session)

    async def updates(self, offset: int | None, wait: int) -> list[Any]:
        """What came since; with an `offset`, all before it is forgotten there."""
        asked = _Updates(offset=offset, timeout=wait, allowed_updates=KINDS)
        return await self._told(self._bot(asked, request_timeout=wait + _PATIENCE))

    async def say(
        self, chat: str, text: str, replies_to: int | None, buttons: Sequence[Button] = ()
    ) -> str:
        """Send one text as it is; the number of the message."""
        about, keyboard = _about(replies_to), _keyboard(buttons)
        sent = await self._told(
            self._bot.send_message(
                chat, text, parse_mode=None, reply_parameters=about, reply_markup=keyboard,
                request_timeout=_PATIENCE,
            )
        )  # fmt: skip
        return str(sent.message_id)

    async def show(self, chat: str, part: Part, replies_to: int | None) -> str:
        """Send one file, a picture as a picture; the number of the message."""
        file, about = _input(part), _about(replies_to)
        is_photo = part.content_type in {"image/jpeg", "image/png"} and part.size <= _PHOTO_MOST
        send = self._bot.send_photo if is_photo else self._bot.send_document
        sending = send(chat, file, reply_parameters=about, request_timeout=_UPLOAD)
        return str((await self._told(sending)).message_id)

    async def seen(self, pressed: str) -> None:
        """A button that was pressed need not wait any more."""
        await self._told(self._bot.answer_callback_query(pressed, request_timeout=_PATIENCE))

    async def leave(self, chat: int) -> None:
        await self._told(self._bot.leave_chat(chat, request_timeout=_PATIENCE))

    async def name(self) -> tuple[str, bool]:
        """The bot's name, and whether anybody may put it into a group."""
        me = await self._told(self._bot.get_me(request_timeout=_PATIENCE))
        return me.username or me.first_name, bool(me.can_join_groups)

    async def webhook(self) -> WebhookInfo:
        return await self._told(self._bot.get_webhook_info(request_timeout=_PATIENCE))

    async def set_webhook(self, url: str, secret: str) -> None:
        await self._told(
            self._bot.set_webhook(
                url, secret_token=secret, allowed_updates=KINDS, request_timeout=_PATIENCE
            )
        )

    async def unset_webhook(self) -> None:
        """What waits there keeps waiting."""
        await self._told(
            self._bot.delete_webhook(drop_pending_updates=False, request_timeout=_PATIENCE)
        )

    async def file(self, file_id: str) -> bytes:
        """The octets of a file that a customer sent."""
        found = await self._told(self._bot.get_file(file_id, request_timeout=_PATIENCE))
        if not found.file_path or (found.file_size or 0) > FILE_MOST:
            raise Rejected("file is too big")
        return await self._told(self._download(found.file_path))

    async def _download(self, path: str) -> bytes:
        url = self._bot.session.api.file_url(self._token, path)
        read = bytearray()
        async for chunk in self._bot.session.stream_content(url, timeout=_UPLOAD):
            read += chunk
            if len(read) > FILE_MOST:
                raise Rejected("file is too big")
        return bytes(read)

    async def close(self) -> None:
        await self._bot.session.close()

    async def _told(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except DeliveryError:
            raise
        except (refused.AiogramError, ClientError, TimeoutError, OSError) as error:
            # Their text may hold the address that was called, and the token stands in it.
            said = str(error).replace(self._token, "…") or type(error).__name__
            raise _failure(error, said) from None


def _about(number: int | None) -> ReplyParameters | None:
    if number is None:
        return None
    return ReplyParameters(message_id=number, allow_sending_without_reply=True)


def _keyboard(buttons: Sequence[Button]) -> InlineKeyboardMarkup | None:
    """The short ones beside each other, as the marks of a survey are; else one below the other."""
    made = [
        InlineKeyboardButton(text=b.label, url=b.url)
        if b.url
        else InlineKeyboardButton(text=b.label, callback_data=b.data)
        for b in buttons
    ]
    is_one_row = sum(len(b.label) + 2 for b in buttons) <= _ROW
    rows = [made] if is_one_row else [[one] for one in made]
    return InlineKeyboardMarkup(inline_keyboard=rows) if made else None


def _input(part: Part) -> InputFile:
    name = part.filename or "file"
    if isinstance(part.data, Spooled):
        return FSInputFile(part.data.path, filename=name)
    return BufferedInputFile(part.data, filename=name)


def _failure(error: Exception, said: str) -> DeliveryError:
    """Pure: what an answer of the Bot API, or none, means for a delivery."""
    match error:
        case refused.TelegramRetryAfter():
            return Retry(said, asked(str(error.retry_after)))
        case refused.TelegramServerError():
            return ChannelDown(said)
        case refused.TelegramEntityTooLarge():
            return Rejected(said)
        case refused.TelegramNetworkError():
            return _broken(error.__cause__, said)
        case refused.TelegramAPIError():
            return _refusal(error, said)
        case ClientResponseError():
            return Rejected(said) if error.status in {400, 403, 404, 410} else Retry(said)
    return _broken(error, said)


def _refusal(error: refused.TelegramAPIError, said: str) -> DeliveryError:
    """Pure: what Telegram does not want, and whether it ever will."""
    match error:
        case refused.TelegramForbiddenError() | refused.TelegramMigrateToChat():
            return Rejected(said, "address_dead")
        case refused.TelegramUnauthorizedError() | refused.TelegramNotFound():
            return TokenRefused(f"{said}; {TokenRefused.__doc__}")
        case refused.TelegramConflictError():
            return Taken(said)
    if "too many requests" in said.lower():
        return Retry(said)
    return Rejected(said, "address_dead" if _names(said, _NOBODY) else "content")


def _broken(cause: BaseException | None, said: str) -> DeliveryError:
    """Without a connection nothing was given; with one, nobody knows."""
    return ChannelDown(said) if isinstance(cause, ClientConnectorError) else InDoubt(said)


def _names(said: str, signs: Sequence[str]) -> bool:
    return any(sign in said.lower() for sign in signs)
