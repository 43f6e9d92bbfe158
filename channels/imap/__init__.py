"""The channel `imap`: mail comes in from a mailbox that somebody else keeps."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog

from channels.base import Accept, ChannelDown, DeliveryError, Host, Sent
from channels.imap import probe
from channels.imap.flight import Gateway
from channels.imap.mailbox import PLACES, Mailbox
from channels.imap.settings import ImapSettings
from channels.mail_out import MailOut
from channels.oauth_grant import Health
from normalizer.message import Message

_PATIENCE = 10.0  # seconds that a stop waits for what is under way

_log = structlog.get_logger()


def now() -> datetime:
    return datetime.now(UTC)


class Imap:
    """Reads a mailbox in a thread of its own; sends as its settings' `send` says."""

    Settings = ImapSettings

    def __init__(
        self, settings: ImapSettings, host: Host, *, clock: Callable[[], datetime] = now
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._host = host
        self._clock = clock
        password = settings.send_password or settings.password
        self._out = MailOut(settings.model_copy(update={"password": password}), host)
        self._mailbox: Mailbox | None = None

    @property
    def ready(self) -> bool:
        return self._mailbox is not None and self._mailbox.connected

    @property
    def heard_at(self) -> datetime | None:
        return self._mailbox.heard if self._mailbox else None

    @property
    def silent_after(self) -> timedelta:
        """Two rounds of looking, each with a server that takes its time."""
        return 2 * timedelta(seconds=self._settings.rest + self._settings.timeout)

    @property
    def trouble(self) -> str:
        return self._mailbox.trouble if self._mailbox else ""

    async def receive(self, accept: Accept) -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        gateway = Gateway(loop, accept, self._host, self._host.past(self.name))
        mailbox = self._mailbox = Mailbox(self._settings, gateway, self._clock, self._out.login)

        def run() -> None:
            try:
                mailbox.run()
            finally:
                with suppress(RuntimeError):  # the loop is gone, and nobody waits
                    loop.call_soon_threadsafe(ended.set)

        # Not one of the loop's pool: a thread that hangs in a name server must not hold up the end.
        threading.Thread(target=run, name=f"imap-{self.name}", daemon=True).start()
        try:
            await ended.wait()
        finally:
            mailbox.stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await ended.wait()

    async def send(self, message: Message, key: str) -> Sent:
        sent = await self._out.send(message, key)
        if self._settings.keep_sent and message.kind == "reply":
            await self._keep(message, key)
        return sent

    async def _keep(self, message: Message, key: str) -> None:
        """A copy for the Sent folder; that it is missing there is no reason to send again."""
        try:
            mail = await self._out.written(message, key)
            await asyncio.to_thread(probe.keep, self._settings, self._out.login, mail)
        except Exception as error:
            _log.warning("mailbox.not_kept", channel=self.name, error=type(error).__name__)

    async def check(self) -> str:
        """A mailbox that is closed says nothing of the way out, so both are tried."""
        looked = asyncio.to_thread(probe.look, self._settings, self._out.login)
        ends = await asyncio.gather(looked, self._out.check(), return_exceptions=True)
        wrong = [end for end in ends if isinstance(end, BaseException)]
        for unexpected in wrong:
            if not isinstance(unexpected, (DeliveryError, OSError)):
                raise unexpected
        if wrong:
            raise ChannelDown("\n".join(map(str, wrong)))
        return "\n".join(map(str, ends))

    def login_health(self) -> Health | None:
        return self._out.login_health()

    async def listing(self) -> frozenset[str]:
        """Younger mails than two looks are left out: they may be on their way."""
        note = await self._host.past(self.name).recall(PLACES)
        return await asyncio.to_thread(
            probe.listing, self._settings, self._out.login, self._clock(), note
        )

    async def close(self) -> None:
        await self._out.close()
