"""The channel `smtp`: mail comes in by SMTP from the internet or from a relay."""

from __future__ import annotations

from channels.base import Accept, Host, Sent
from channels.smtp_settings import ListenerSettings
from normalizer.message import Message


class Smtp:
    """Receives mail by SMTP; sends as its settings' `send` says."""

    Settings = ListenerSettings

    def __init__(self, settings: ListenerSettings, host: Host) -> None:
        self.name = settings.name
        self._settings = settings
        self._host = host

    @property
    def ready(self) -> bool:
        return False

    async def receive(self, accept: Accept) -> None:
        raise NotImplementedError

    async def send(self, message: Message, key: str) -> Sent:
        from channels.mail_out import MailOut  # noqa: PLC0415 - written at the same time

        return await MailOut(self._settings, self._host).send(message, key)
