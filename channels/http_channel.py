"""The channel `http`: any system posts what customers write, and is posted what we answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from channels.base import Accept, Host, Receipt, Request, Response, Sent
from channels.http_out import HttpOut
from channels.http_settings import HttpSettings
from channels.intake import Intake
from channels.settling import Settling
from channels.standard_webhooks import Forged, verified
from normalizer.generic import Fared, Fault, parse
from normalizer.message import Envelope, Message, Transport


def now() -> datetime:
    return datetime.now(UTC)


class Http:
    """Takes signed events in at `/in/NAME`; posts signed messages to its `url`."""

    Settings = HttpSettings

    def __init__(
        self, settings: HttpSettings, host: Host, *, clock: Callable[[], datetime] = now
    ) -> None:
        self.name = settings.name
        self._settings, self._clock = settings, clock
        self._out = HttpOut(settings, clock)
        self._intake = Intake(host.data_dir / "spool")
        self._settling = Settling()

    @property
    def ready(self) -> bool:
        return self._intake.is_open

    @property
    def most(self) -> int:
        return self._settings.max_size

    async def receive(self, accept: Accept) -> None:
        await self._intake.run(accept)

    async def answer(self, request: Request) -> Response:
        """Raises Unavailable."""
        if request.path or request.method != "POST":
            return _problem(405 if not request.path else 404, "POST to this channel's own address.")
        try:
            id_ = verified(self._settings.keys, request.headers, request.body, self._clock())
        except Forged as forged:
            return _problem(401, str(forged))
        event = parse(request.body)
        if isinstance(event, Fault):
            return _problem(400, f"{event.field or 'The body'}: {event.why}", event.field)
        if isinstance(event, Fared):
            await self._settling.settled(event.message)
        return _told(await self._take(request, id_))

    async def _take(self, request: Request, id_: str) -> Receipt:
        return await self._intake.take(
            Envelope(
                channel=self.name,
                format="http",
                raw=request.body,
                unit=id_,
                received_at=self._clock(),
                transport=Transport(peer=request.peer),
            )
        )

    async def send(self, message: Message, key: str) -> Sent:
        with self._settling.going():
            sent = await self._out.send(message, key)
            self._settling.sent(sent.peer_id)
        return sent

    async def check(self) -> str:
        return await self._out.check()

    async def close(self) -> None:
        await self._out.close()


def _told(receipt: Receipt) -> Response:
    """A refusal is for good; the same event again would end alike."""
    if receipt.outcome == "refused":
        return _problem(422, receipt.reason)
    said = {"outcome": receipt.outcome, "message": receipt.message}
    return Response(200, json.dumps(said).encode(), (("Content-Type", "application/json"),))


_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
    422: "Unprocessable Content",
}  # fmt: skip


def _problem(status: int, detail: str, field: str = "") -> Response:
    """RFC 9457; `field` is where in the event it is wrong."""
    said = {"status": status, "title": _TITLES[status], "detail": detail}
    more = {"field": field} if field else {}
    body = json.dumps(said | more, ensure_ascii=False).encode()
    return Response(status, body, (("Content-Type", "application/problem+json"),))
