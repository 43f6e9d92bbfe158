"""The channel `http`: any system posts what customers write, and is posted what we answer."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from channels.base import Accept, Host, Receipt, Request, Response, Sent
from channels.http_out import HttpOut
from channels.http_settings import HttpSettings
from channels.spool import SPOOLED_FROM, Spool
from channels.standard_webhooks import Forged, verified
from normalizer.generic import Fault, parse
from normalizer.message import Envelope, Message, Spooled, Transport

_PATIENCE = 10.0  # seconds that a stop waits for what is under way


def now() -> datetime:
    return datetime.now(UTC)


class Http:
    """Takes signed events in at `/in/NAME`; posts signed messages to its `url`."""

    Settings = HttpSettings

    def __init__(
        self, settings: HttpSettings, host: Host, *, clock: Callable[[], datetime] = now
    ) -> None:
        self.name = settings.name
        self._settings, self._host, self._clock = settings, host, clock
        self._out = HttpOut(settings, clock)
        self._accept: Accept | None = None
        self._under_way: set[asyncio.Future[None]] = set()

    @property
    def ready(self) -> bool:
        return self._accept is not None

    @property
    def most(self) -> int:
        return self._settings.max_size

    async def receive(self, accept: Accept) -> None:
        self._accept = accept
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._accept = None
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=_PATIENCE)

    async def answer(self, request: Request) -> Response:
        """Raises Unavailable."""
        if request.path or request.method != "POST":
            return _problem(405 if not request.path else 404, "POST to this channel's own address.")
        try:
            id_ = verified(self._settings.keys, request.headers, request.body, self._clock())
        except Forged as forged:
            return _problem(401, str(forged))
        fault = parse(request.body)
        if isinstance(fault, Fault):
            return _problem(400, f"{fault.field or 'The body'}: {fault.why}", fault.field)
        accept = self._accept
        if accept is None:
            return _problem(503, "Please send it again.")
        return _told(await self._take(accept, request, id_))

    async def _take(self, accept: Accept, request: Request, id_: str) -> Receipt:
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.add(ended)
        raw = await self._kept(request.body)
        try:
            return await accept(
                Envelope(
                    channel=self.name,
                    format="http",
                    raw=raw,
                    unit=id_,
                    received_at=self._clock(),
                    transport=Transport(peer=request.peer),
                )
            )
        finally:
            self._under_way.discard(ended)
            ended.set_result(None)
            if isinstance(raw, Spooled):  # gone already where the store has taken it
                Path(raw.path).unlink(missing_ok=True)  # noqa: ASYNC240  # one system call

    async def _kept(self, body: bytes) -> bytes | Spooled:
        if len(body) <= SPOOLED_FROM:
            return body
        path = self._host.data_dir / "spool" / f"http-{secrets.token_hex(8)}"
        return await asyncio.to_thread(_spooled, path, body)

    async def send(self, message: Message, key: str) -> Sent:
        return await self._out.send(message, key)

    async def check(self) -> str:
        return await self._out.check()

    async def close(self) -> None:
        await self._out.close()


def _spooled(path: Path, body: bytes) -> Spooled:
    spool = Spool(path)
    try:
        spool.write([body])
        return spool.finish()
    except OSError:
        with suppress(OSError):
            spool.discard()
        raise


def _told(receipt: Receipt) -> Response:
    """A refusal is for good; the same event again would end alike."""
    if receipt.outcome == "refused":
        return _problem(422, receipt.reason)
    said = {"outcome": receipt.outcome, "message": receipt.message}
    return Response(200, json.dumps(said).encode(), (("Content-Type", "application/json"),))


_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
    422: "Unprocessable Content", 503: "Service Unavailable",
}  # fmt: skip


def _problem(status: int, detail: str, field: str = "") -> Response:
    """RFC 9457; `field` is where in the event it is wrong."""
    said = {"status": status, "title": _TITLES[status], "detail": detail}
    more = {"field": field} if field else {}
    body = json.dumps(said | more, ensure_ascii=False).encode()
    return Response(status, body, (("Content-Type", "application/problem+json"),))
