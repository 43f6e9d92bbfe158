"""What all connections of a listener share, and the way of a whole mail to the gateway."""

from __future__ import annotations

import asyncio
import errno
import re
import secrets
import ssl
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import count
from typing import Any, Protocol

import structlog

from channels.base import Accept, Host, Receipt, Unavailable
from channels.smtp.address import Recipients
from channels.smtp.limits import Limits
from channels.smtp.rules import Rules
from channels.smtp.settings import ListenerSettings
from channels.smtp.spool import Body, Spooling
from normalizer.message import Envelope, Transport

Clock = Callable[[], datetime]

TRY_AGAIN = b"451 4.3.0 something is wrong here, please try again later\r\n"
_DISK_FULL = b"452 4.3.1 no room for mail at present, please try again later\r\n"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}
_ENHANCED = re.compile(r"5\.\d{1,3}\.\d{1,3} ")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")

_log = structlog.get_logger()


class Guest(Protocol):
    """A connection as the listener sees it."""

    def check(self, now: float) -> None:
        """Hang up if the peer has kept us waiting for too long."""

    def stop(self) -> None:
        """Say goodbye, at once or after the mail that is under way."""

    def force(self) -> None:
        """Say goodbye even though a mail is under way."""


def now() -> datetime:
    return datetime.now(UTC)


class Reception:
    """Lives as long as its listener; `accept` is the gateway's."""

    def __init__(
        self, settings: ListenerSettings, host: Host, accept: Accept, *, lmtp: bool, clock: Clock
    ) -> None:
        self.settings = settings
        self.limits = Limits(settings)
        self.rules = Rules(
            settings=settings,
            host=host,
            recipients=Recipients(settings.addresses),
            lmtp=lmtp,
            new_unit=self._new_unit,
            has_room=self.limits.has_room,
        )
        self.tls = _tls_context(settings)
        self.greeting = self.rules.greeting
        self.guests: set[Guest] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.quiet = asyncio.Event()
        self.is_stopping = False
        self._host = host
        self._accept = accept
        self._clock = clock
        # Each process counts on from a number of its own: no two transactions share a name.
        self._units = count(secrets.randbits(32))
        self._executor = ThreadPoolExecutor(2, f"spool-{settings.name}")
        self._spooling = Spooling(host.data_dir / "spool", self._executor, self.spawn)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` to its end, whoever hangs up meanwhile."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._is_done)
        return task

    def _is_done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.note_quiet()
        if not task.cancelled() and (error := task.exception()):
            _log.error("smtp.failed", channel=self.settings.name, exc_info=error)

    def note_quiet(self) -> None:
        if self.is_stopping and not self.guests and not self.tasks:
            self.quiet.set()

    def believes(self, peer: str) -> bool:
        """Whether this peer is a proxy, which says who really connects."""
        if not self.settings.proxy_protocol or not peer:
            return False
        address = ip_address(peer)
        return any(address in network for network in self.settings.proxies)

    def new_body(self, unit: str, on_relief: Callable[[], None]) -> Body:
        return Body(unit, self._spooling, on_relief)

    def close(self) -> None:
        self._executor.shutdown(wait=False)

    async def deliver(self, unit: str, facts: Transport, body: Body) -> bytes:
        """Make one mail durable; the reply says whether it is."""
        try:
            raw = await body.close()
        except OSError as error:
            _log.exception("smtp.spool_failed", channel=self.settings.name, unit=unit)
            return _DISK_FULL if error.errno in _FULL else TRY_AGAIN
        envelope = Envelope(
            channel=self.settings.name,
            format="rfc5322",
            raw=raw,
            unit=unit,
            received_at=self._clock(),
            transport=facts,
        )
        try:
            self._host.failpoint("F1")
            receipt = await self._accept(envelope)
            self._host.failpoint("F2")
        except BaseException as error:
            await body.remove()
            return self._trouble(unit, error)
        return _reply(unit, receipt)

    def _trouble(self, unit: str, error: BaseException) -> bytes:
        if isinstance(error, Unavailable):
            reply = f"{error.code} {error.enhanced} please try again later\r\n"
            _log.warning("smtp.unavailable", channel=self.settings.name, unit=unit, reply=reply[:9])
            return reply.encode()
        if not isinstance(error, Exception):
            raise error
        # The peer learns nothing of it: exception texts carry paths, addresses and passwords.
        _log.error("smtp.accept_failed", channel=self.settings.name, unit=unit, exc_info=error)
        return TRY_AGAIN

    def _new_unit(self) -> str:
        micros = int(self._clock().timestamp() * 1_000_000)
        return f"{micros:014x}{next(self._units) & 0xFFFFFFFF:08x}"


def _reply(unit: str, receipt: Receipt) -> bytes:
    if receipt.outcome == "refused":
        return f"554 {_refusal(receipt.reason)}\r\n".encode()
    return f"250 2.0.0 queued as {unit}\r\n".encode()


def _refusal(reason: str) -> str:
    text = _UNPRINTABLE.sub(" ", reason).strip()[:200] or "this mail is refused"
    if _ENHANCED.match(text):
        return text
    # RFC 3463: X.4.6 is a routing loop, X.6.0 any other trouble with the content.
    return f"5.4.6 {text}" if "loop" in text.lower() else f"5.6.0 {text}"


def _tls_context(settings: ListenerSettings) -> ssl.SSLContext | None:
    if settings.tls == "none" or settings.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.certificate, settings.key)
    return context
