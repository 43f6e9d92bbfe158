"""The channel `smtp`: mail comes in by SMTP, from the internet or from a relay."""

from __future__ import annotations

from channels.base import Accept, Host, Sent
from channels.mail_out import MailOut
from channels.oauth_grant import Health
from channels.smtp.listener import Listener
from channels.smtp.reception import Clock, now
from channels.smtp.settings import ListenerSettings
from normalizer.message import Message


class Smtp:
    """Receives mail by SMTP; sends as its settings' `send` says."""

    Settings = ListenerSettings
    _lmtp = False

    def __init__(self, settings: ListenerSettings, host: Host, *, clock: Clock = now) -> None:
        self.name = settings.name
        self._out = MailOut(settings, host)
        self._listener = Listener(settings, host, lmtp=self._lmtp, clock=clock)

    @property
    def ready(self) -> bool:
        return bool(self._listener.bound)

    @property
    def bound(self) -> list[tuple[str, int]]:
        """Host and port of each listening socket, port 0 resolved."""
        return self._listener.bound

    async def receive(self, accept: Accept) -> None:
        await self._listener.run(accept)

    async def send(self, message: Message, key: str) -> Sent:
        return await self._out.send(message, key)

    async def check(self) -> str:
        return await self._out.check()

    def login_health(self) -> Health | None:
        return self._out.login_health()

    async def close(self) -> None:
        await self._out.close()
