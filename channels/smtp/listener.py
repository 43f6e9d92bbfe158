"""The listening sockets of one SMTP or LMTP channel: open, watched over, closed with courtesy."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from channels.base import Accept, Host
from channels.smtp.connection import Connection
from channels.smtp.reception import Clock, Reception, now
from channels.smtp.settings import ListenerSettings
from channels.smtp.wire import HANDSHAKE_SECONDS

_BACKLOG = 512
_log = structlog.get_logger()


class Listener:
    """Accepts peers until it is cancelled."""

    def __init__(
        self, settings: ListenerSettings, host: Host, *, lmtp: bool = False, clock: Clock = now
    ) -> None:
        self._settings = settings
        self._host = host
        self._lmtp = lmtp
        self._clock = clock
        self._server: asyncio.Server | None = None

    @property
    def bound(self) -> list[tuple[str, int]]:
        """Where it listens, port 0 resolved; empty while it does not."""
        sockets = self._server.sockets if self._server is not None else ()
        return [sock.getsockname()[:2] for sock in sockets]

    async def run(self, accept: Accept) -> None:
        reception = Reception(
            self._settings, self._host, accept, lmtp=self._lmtp, clock=self._clock
        )
        try:
            self._server = await self._listen(reception)
            await self._watch(reception)
        finally:
            await self._stop(reception)

    async def _listen(self, reception: Reception) -> asyncio.Server:
        host, port = self._settings.endpoint
        implicit = self._settings.tls == "implicit"
        return await asyncio.get_running_loop().create_server(
            partial(Connection, reception),
            host,
            port,
            backlog=_BACKLOG,
            ssl=reception.tls if implicit else None,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if implicit else None,
        )

    async def _watch(self, reception: Reception) -> None:
        loop = asyncio.get_running_loop()
        pause = min(1.0, self._settings.timeout / 4, self._settings.data_window / 4)
        while True:
            await asyncio.sleep(pause)
            for guest in tuple(reception.guests):
                guest.check(loop.time())

    async def _stop(self, reception: Reception) -> None:
        reception.is_stopping = True
        if self._server is not None:
            self._server.close()
            self._server = None
        for guest in tuple(reception.guests):
            guest.stop()
        try:
            await self._settle(reception)
        finally:
            for guest in tuple(reception.guests):
                guest.force()
            reception.close()

    async def _settle(self, reception: Reception) -> None:
        """Let mails under way finish; a peer that takes longer than the grace comes back later."""
        reception.note_quiet()
        try:
            async with asyncio.timeout(self._settings.grace):
                await reception.quiet.wait()
        except TimeoutError:
            _log.warning(
                "smtp.stopped_with_mail_under_way",
                channel=self._settings.name,
                mails=len(reception.tasks),
            )
