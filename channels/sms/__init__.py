"""The channel `sms`: Twilio's webhook brings text messages and reports, its API takes ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from channels.base import (
    Accept,
    DeliveryError,
    Host,
    InDoubt,
    Rejected,
    Request,
    Response,
    Sent,
    Unavailable,
)
from channels.settling import Settling
from channels.sms import check as sms_check
from channels.sms.api import TwilioApi
from channels.sms.call import form, is_signed, unit
from channels.sms.meter import Meter
from channels.sms.missed import Missed
from channels.sms.segments import segments
from channels.sms.settings import SmsSettings
from channels.spool import SPOOLED_FROM
from normalizer.message import Envelope, Message, Spooled, Transport

_LOOK = 600.0  # seconds between looks through what Twilio could not bring
_LOOK_AGAIN = 60.0  # … while it does not answer
# To answer by TwiML would send a second message beside ours.
_NOTHING = Response(200, b"<Response/>", (("Content-Type", "text/xml"),))


def now() -> datetime:
    return datetime.now(UTC)


class Sms:
    """One sender of text messages."""

    Settings = SmsSettings
    most = SPOOLED_FROM
    silent_after = timedelta(hours=2)

    def __init__(
        self,
        settings: SmsSettings,
        host: Host,
        *,
        clock: Callable[[], datetime] = now,
        settling: Settling | None = None,
    ) -> None:
        self.name = settings.name
        self._settings, self._clock = settings, clock
        self._folder = host.data_dir / "spool"
        self._api = TwilioApi(settings)
        past = host.past(settings.name)
        self._meter = Meter(settings.monthly_limit, past, clock)
        self._missed = Missed(self._api, past, clock)
        self._settling = settling or Settling()
        self._accept: Accept | None = None
        self._began: datetime | None = None

    @property
    def ready(self) -> bool:
        return self._accept is not None

    @property
    def heard_at(self) -> datetime | None:
        """It is Twilio that calls: we are up before its API has answered for the first time."""
        return self._api.platform.heard_at or self._began

    @property
    def trouble(self) -> str:
        return self._api.platform.trouble

    @property
    def month(self) -> tuple[int, int]:
        return self._meter.used, self._meter.limit

    async def receive(self, accept: Accept) -> None:
        await self._meter.load()
        self._accept, self._began = accept, self._clock()
        try:
            while True:
                wait = _LOOK
                try:
                    await self._missed.look(self._take)
                except (DeliveryError, Unavailable):
                    wait = _LOOK_AGAIN
                await asyncio.sleep(wait)
        finally:
            self._accept = None

    async def answer(self, request: Request) -> Response:
        """One call of Twilio's, a message or a report; 200 once it is durable."""
        if request.path.strip("/"):
            return Response(404)
        if request.method != "POST":
            return Response(405, headers=(("Allow", "POST"),))
        fields = form(request.body)
        claimed = request.headers.get("x-twilio-signature", "")
        tokens, url = self._settings.tokens, self._settings.webhook
        if fields is None or not is_signed(tokens, url, request.query, fields, claimed):
            return Response(401, b"The signature is not right.")
        if self._accept is None:
            raise Unavailable
        name = unit(fields)
        if name is None or fields.get("AccountSid") != self._settings.account_sid:
            return Response(400, b"This is not for us.")
        if name:
            await self._settling.settled(fields["MessageSid"])
            await self._take(request.body, name, self._clock(), request.peer)
            self._missed.brought(name)
        return _NOTHING

    async def _take(self, raw: bytes, unit: str, at: datetime, peer: str = "") -> None:
        """Raises Unavailable."""
        if self._accept is None:
            raise Unavailable
        transport = Transport(peer=peer)
        await self._accept(
            Envelope(
                channel=self.name, format="sms", raw=raw, unit=unit, received_at=at,
                transport=transport,
            )
        )  # fmt: skip

    async def send(self, message: Message, key: str) -> Sent:  # noqa: ARG002  the seam's
        """Twilio takes no key by which it knew a second try, so what is in doubt stays so."""
        if not message.text.strip():
            raise Rejected("there is no text in it")
        counted = segments(message.text)
        self._meter.ask(counted)
        try:
            sid, charged = await self._api.say(message.to[0].address, message.text)
        except InDoubt:
            await self._meter.count(counted)
            raise
        self._settling.sent(sid)
        await self._meter.count(max(counted, charged))
        return Sent(f"sms:{sid}")

    async def fetch(self, source: str) -> bytes | Spooled:
        return await self._api.fetch(source, self._folder)

    async def listing(self) -> frozenset[str]:
        return await self._missed.listing()

    async def check(self) -> str:
        return await sms_check.check(self._api, self._settings)

    async def close(self) -> None:
        await self._api.platform.close()
