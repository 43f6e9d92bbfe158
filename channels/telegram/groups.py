"""Groups that somebody puts the bot into: a word, once, and out again."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from channels.base import DeliveryError, Past, Unavailable
from channels.notes import Notes

if TYPE_CHECKING:
    from channels.telegram.bot import BotApi

ALONE = (
    "このボットは1対1のチャットでご利用ください。\nPlease write to this bot in a chat of its own."
)

_log = structlog.get_logger()


class Groups:
    """A group is not one customer, and others read along there."""

    def __init__(self, api: BotApi, past: Past, channel: str) -> None:
        self._api, self._past, self._channel = api, Notes(past), channel
        self._told: set[int] = set()

    async def leave(self, group: int) -> None:
        """Raises Unavailable where nobody knows whether a word was said there."""
        if await self._is_new(group):
            with suppress(DeliveryError):
                await self._api.say(str(group), ALONE, None)
        try:
            await self._api.leave(group)
        except DeliveryError as error:
            _log.warning("telegram.not_left", channel=self._channel, reason=str(error))
        else:
            _log.info("telegram.left_group", channel=self._channel)

    async def _is_new(self, group: int) -> bool:
        """Whether nothing was said there so far; noted before it is said, so that it is never twice."""
        if group in self._told:
            return False
        self._told.add(group)
        try:
            if await self._past.recall(f"group:{group}"):
                return False
            await self._past.note(f"group:{group}", "declined")
        except Unavailable:
            self._told.discard(group)
            raise
        return True
