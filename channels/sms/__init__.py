"""The channel `sms`: Twilio's webhook brings text messages and reports, its API takes ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from channels.base import Accept, Host, InDoubt, Rejected, Request, Response, Sent
from channels.called import Called, now
from channels.settling import Settling
from channels.sms import check as sms_check
from channels.sms.api import TwilioApi
from channels.sms.call import form, is_signed, unit
from channels.sms.meter import Meter
from channels.sms.missed import Missed
from channels.sms.segments import segments
from channels.sms.settings import SmsSettings
from channels.spool import SPOOLED_FROM
from normalizer.message import Message, Spooled

# To answer by TwiML would send a second message beside ours.
_NOTHING = Response(200, b"<Response/>", (("Content-Type", "text/xml"),))


class Sms(Called):
    """One sender of text messages."""

    Settings = SmsSettings
    format = "sms"
    most = SPOOLED_FROM
    pause = 600.0  # seconds between looks through what Twilio could not bring

    def __init__(
        self,
        settings: SmsSettings,
        host: Host,
        *,
        clock: Callable[[], datetime] = now,
        settling: Settling | None = None,
    ) -> None:
        self._settings, self._api = settings, TwilioApi(settings)
        super().__init__(settings.name, host, self._api.platform, clock)
        past = host.past(settings.name)
        self._meter = Meter(settings.monthly_limit, past, clock)
        self._missed = Missed(self._api, past, clock)
        self._settling = settling or Settling()

    @property
    def month(self) -> tuple[int, int]:
        return self._meter.used, self._meter.limit

    async def receive(self, accept: Accept) -> None:
        await self._meter.load()
        await super().receive(accept)

    async def look(self) -> None:
        await self._missed.look(self.take)

    def is_theirs(self, request: Request) -> bool:
        fields, claimed = form(request.body), request.headers.get("x-twilio-signature", "")
        tokens, url = self._settings.tokens, self._settings.webhook
        return fields is not None and is_signed(tokens, url, request.query, fields, claimed)

    async def hear(self, request: Request) -> Response:
        """A message or a report."""
        fields = form(request.body) or {}
        name = unit(fields)
        if name is None or fields.get("AccountSid") != self._settings.account_sid:
            return Response(400, b"This is not for us.")
        if name:
            await self._settling.settled(fields["MessageSid"])
            await self.take(request.body, name, peer=request.peer)
            self._missed.brought(name)
        return _NOTHING

    async def send(self, message: Message, key: str) -> Sent:  # noqa: ARG002  the seam's
        """Twilio takes no key by which it knew a second try, so what is in doubt stays so."""
        if not message.text.strip():
            raise Rejected("there is no text in it")
        counted = segments(message.text)
        try:
            with self._meter.going(counted), self._settling.going():
                sid, charged = await self._api.say(message.to[0].address, message.text)
                self._settling.sent(sid)
        except InDoubt:
            await self._meter.count(counted)
            raise
        await self._meter.count(max(counted, charged))
        return Sent(f"sms:{sid}")

    async def fetch(self, source: str) -> bytes | Spooled:
        return await self._api.fetch(source, self._folder)

    async def listing(self) -> frozenset[str]:
        return await self._missed.listing()

    async def check(self) -> str:
        return await sms_check.check(self._api, self._settings)
