"""WhatsApp: Meta's webhook brings messages and reports, the Cloud API takes ours."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

import structlog

from channels.base import (
    Accept,
    DeliveryError,
    Host,
    Rejected,
    Request,
    Response,
    Sent,
    Unavailable,
)
from channels.settling import Settling
from channels.spool import SPOOLED_FROM
from channels.whatsapp.api import CloudApi
from channels.whatsapp.call import Event, challenge, is_signed, take_apart
from channels.whatsapp.settings import WhatsAppSettings
from channels.whatsapp.window import Windows
from channels.whatsapp.words import file, outside, text
from normalizer.message import Envelope, Message, Spooled, Transport
from normalizer.whatsapp_content import name_of

_BODY = 4 * 2**20  # octets; Meta calls with 3 MB at most
_LOOK = 3600.0  # seconds between looks whether Meta still knows us
_LOOK_AGAIN = 60.0  # … while it does not answer

_NAMED = "whatsapp:"  # begins our name of a message of WhatsApp

_log = structlog.get_logger()


def now() -> datetime:
    return datetime.now(UTC)


class WhatsApp:
    """One number of a business."""

    Settings = WhatsAppSettings
    most = _BODY
    silent_after = timedelta(hours=2)

    def __init__(
        self,
        settings: WhatsAppSettings,
        host: Host,
        *,
        clock: Callable[[], datetime] = now,
        settling: Settling | None = None,
    ) -> None:
        self.name = settings.name
        self._settings, self._clock = settings, clock
        self._folder = host.data_dir / "spool"
        self._api = CloudApi(settings)
        self._windows = Windows(host.past(settings.name), clock)
        self._settling = settling or Settling()
        self._accept: Accept | None = None
        self._began: datetime | None = None
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def ready(self) -> bool:
        return self._accept is not None

    @property
    def heard_at(self) -> datetime | None:
        """It is Meta that calls: we are up before its API has answered for the first time."""
        return self._api.platform.heard_at or self._began

    @property
    def trouble(self) -> str:
        return self._api.platform.trouble

    async def receive(self, accept: Accept) -> None:
        self._accept, self._began = accept, self._clock()
        try:
            while True:
                wait = _LOOK
                try:
                    await self._api.number()
                except DeliveryError:
                    wait = _LOOK_AGAIN
                await asyncio.sleep(wait)
        finally:
            self._accept = None

    async def answer(self, request: Request) -> Response:
        """One call of Meta's: all its events are durable, or it is asked to come again."""
        if request.path.strip("/"):
            return Response(404)
        if request.method == "GET":
            said = challenge(self._settings.verify_token, request.query)
            return Response(200, said.encode()) if said else Response(403)
        if request.method != "POST":
            return Response(405, headers=(("Allow", "GET, POST"),))
        claimed = request.headers.get("x-hub-signature-256", "")
        if not is_signed(self._settings.app_secret, request.body, claimed):
            return Response(401, b"The signature is not right.")
        if self._accept is None:
            raise Unavailable
        batch = take_apart(request.body, self._settings.phone_number_id)
        if batch is None:
            return Response(400, b"This is not for us.")
        if any(len(event.raw) > SPOOLED_FROM for event in batch.events):
            return Response(413, b"No event of WhatsApp's is as large.")
        self._tell(batch.others, batch.errors)
        await self._take(batch.events, self._accept, request.peer)
        return Response(200)

    def _tell(self, others: int, errors: Sequence[str]) -> None:
        """What no customer said; a person should see it."""
        if others:
            _log.warning("whatsapp.other_number", channel=self.name, count=others)
        for error in errors:
            _log.warning("whatsapp.complaint", channel=self.name, reason=error)

    async def _take(self, events: Iterable[Event], accept: Accept, peer: str) -> None:
        """Those of one user in their order, the users beside each other."""
        by_user: defaultdict[str, list[Event]] = defaultdict(list)
        for event in events:
            by_user[next(iter(event.names), "")].append(event)
            # Before the commit: it wakes the acknowledgement, which needs the window open.
            self._windows.hear(event.names if event.at else (), event.at)
        ends = await asyncio.gather(
            *(self._take_in(*one, accept, peer) for one in by_user.items()), return_exceptions=True
        )
        for end in ends:
            if end:
                raise end

    async def _take_in(self, user: str, events: Iterable[Event], accept: Accept, peer: str) -> None:
        """Also calls at the same moment wait for each other, as far as they are one user's."""
        turn = self._turns.setdefault(user, asyncio.Lock())
        async with turn:
            for event in events:
                await self._settling.settled(event.about)
                await accept(self._envelope(event, peer))
                if event.at:
                    await self._windows.note(event.names, event.at)

    def _envelope(self, event: Event, peer: str) -> Envelope:
        return Envelope(
            channel=self.name,
            format="whatsapp",
            raw=event.raw,
            unit=event.unit,
            received_at=self._clock(),
            transport=Transport(peer=peer),
        )

    async def send(self, message: Message, key: str) -> Sent:
        """One text or one file: within the window as it is, after that by a template."""
        user, about = message.to[0].address, message.in_reply_to
        if await self._windows.is_open(user):
            said = await self._said(message)
        else:
            template = self._settings.template(message.kind, message.language)
            said, about = outside(message, template), ""
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

    async def close(self) -> None:
        await self._api.platform.close()
