"""WhatsApp: Meta's webhook brings messages and reports, the Cloud API takes ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog

from channels.base import Host, Rejected, Request, Response, Sent
from channels.called import Called, now
from channels.settling import Settling
from channels.spool import SPOOLED_FROM
from channels.turns import Turns
from channels.whatsapp.api import CloudApi
from channels.whatsapp.call import Event, challenge, is_signed, take_apart
from channels.whatsapp.settings import WhatsAppSettings
from channels.whatsapp.window import Windows
from channels.whatsapp.words import file, outside, text
from normalizer.message import Message, Spooled
from normalizer.whatsapp_content import name_of

_BODY = 4 * 2**20  # octets; Meta calls with 3 MB at most

_NAMED = "whatsapp:"  # begins our name of a message of WhatsApp

_log = structlog.get_logger()


class WhatsApp(Called):
    """One number of a business."""

    Settings = WhatsAppSettings
    format = "whatsapp"
    most = _BODY
    methods = "GET, POST"

    def __init__(
        self,
        settings: WhatsAppSettings,
        host: Host,
        *,
        clock: Callable[[], datetime] = now,
        settling: Settling | None = None,
    ) -> None:
        self._settings, self._api = settings, CloudApi(settings)
        super().__init__(settings.name, host, self._api.platform, clock)
        self._windows = Windows(host.past(settings.name), clock)
        self._settling = settling or Settling()
        self._turns = Turns()

    async def look(self) -> None:
        """Whether Meta still knows us."""
        await self._api.number()

    async def answer(self, request: Request) -> Response:
        """Meta asks once, by GET, whether the address is ours."""
        if request.method == "GET" and not request.path.strip("/"):
            said = challenge(self._settings.verify_token, request.query)
            return Response(200, said.encode()) if said else Response(403)
        return await super().answer(request)

    def is_theirs(self, request: Request) -> bool:
        claimed = request.headers.get("x-hub-signature-256", "")
        return is_signed(self._settings.app_secret, request.body, claimed)

    async def hear(self, request: Request) -> Response:
        """Messages and reports."""
        batch = take_apart(request.body, self._settings.phone_number_id)
        if batch is None:
            return Response(400, b"This is not for us.")
        if any(len(event.raw) > SPOOLED_FROM for event in batch.events):
            return Response(413, b"No event of WhatsApp's is as large.")
        self._tell(batch.others, batch.errors)
        for event in batch.events:
            # Before the commit: it wakes the acknowledgement, which needs the window open.
            self._windows.hear(event.names if event.at else (), event.at)
        await self._turns.take(
            batch.events,
            lambda event: next(iter(event.names), ""),
            lambda event: self._take(event, request.peer),
        )
        return Response(200)

    def _tell(self, others: int, errors: Sequence[str]) -> None:
        """What no customer said; a person should see it."""
        if others:
            _log.warning("whatsapp.other_number", channel=self.name, count=others)
        for error in errors:
            _log.warning("whatsapp.complaint", channel=self.name, reason=error)

    async def _take(self, event: Event, peer: str) -> None:
        await self._settling.settled(event.about)
        await self.take(event.raw, event.unit, peer=peer)
        if event.at:
            await self._windows.note(event.names, event.at)

    async def send(self, message: Message, key: str) -> Sent:
        """One text or one file: within the window as it is, after that by a template."""
        user, about = message.to[0].address, message.in_reply_to
        if await self._windows.is_open(user):
            said = await self._said(message)
        else:
            template = self._settings.template(message.kind, message.language)
            said, about = outside(message, template), ""
        with self._settling.going():
            id_ = await self._api.say(user, said, about.partition(_NAMED)[2], key)
            self._settling.sent(id_)
        return Sent(name_of(id_))

    async def _said(self, message: Message) -> dict[str, Any]:
        if message.text.strip():
            return text(message)
        if message.parts:
            part = message.parts[0]
            return file(part, await self._api.upload(part))
        raise Rejected("there is nothing to say")

    async def fetch(self, source: str) -> bytes | Spooled:
        return await self._api.fetch(source, self._folder)

    async def check(self) -> str:
        """Meta can be asked for the number, and not for the webhook: that takes the app's token."""
        found = await self._api.number()
        named = f"{found.get('verified_name', '')} ({found.get('display_phone_number', '')})"
        quality = f", quality {found['quality_rating']}" if found.get("quality_rating") else ""
        return f"WhatsApp knows us as {named}{quality}; see in the app that its webhook is /in/{self.name}"
