"""Mail out: what the mail channels have in common when they send."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from channels.base import Host, Rejected, Sent
from channels.enclosed import octets
from channels.mail import MailSettings
from channels.mail_compose import Mail, compose, is_automatic, wire
from channels.mail_signing import key_for, signed
from channels.maildir import Maildir
from channels.oauth import Login
from channels.oauth_grant import Health
from channels.relay import Probe
from normalizer.message import Address, Identity, Message


class Way(Protocol):
    """Where mail goes: a folder or a smarthost."""

    async def deliver(self, mail: Mail) -> str: ...

    async def check(self, probe: Probe) -> str: ...

    async def close(self) -> None: ...


class MailOut:
    """Composes mails and hands them over, by the way that `send` in the channel's table names.

    The constructor raises ValueError, in words for the admin, when that way cannot be gone.
    """

    def __init__(self, settings: MailSettings, host: Host) -> None:
        self._settings = settings
        self._host = host
        self._own = settings.own()
        self.login = login_of(settings, host)
        self._way = _way(settings, host, self.login)

    async def send(self, message: Message, key: str) -> Sent:
        """Hand one mail over and return the peer's name for it. Raises DeliveryError.

        `key` is the same each time this message is tried; so should `message.date` be, else the
        mail is dated now.
        """
        return Sent(await self._way.deliver(await self._written(message, key)))

    async def written(self, message: Message, key: str) -> bytes:
        """The octets of the mail as `send` hands it over. Raises DeliveryError."""
        return (await self._written(message, key)).data

    async def _written(self, message: Message, key: str) -> Mail:
        if message.parts:
            mail = await asyncio.to_thread(self.mail, _with_parts(message), key)
        else:
            mail = self.mail(message, key)
        return await self._signed(mail, message)

    async def _signed(self, mail: Mail, message: Message) -> Mail:
        if not self._settings.dkim:
            return mail
        domain = self._sender(message).address.rpartition("@")[2]
        key = key_for(self._settings.dkim, domain)
        return mail._replace(data=await asyncio.to_thread(signed, mail.data, key)) if key else mail

    def mail(self, message: Message, key: str) -> Mail:
        """The mail as it goes out, with its envelope. Raises Rejected."""
        sender = self._sender(message)
        date = message.date or datetime.now(UTC)
        return Mail(
            sender=self._reverse_path(message, sender.address, key),
            recipients=_recipients(message),
            data=compose(message, sender, date, self._host.hostname),
            name=_name(key, message.message_id),
        )

    async def check(self) -> str:
        """Try the way without sending anything; say what works. Raises ChannelDown, saying why."""
        return await self._way.check(self._probe())

    def login_health(self) -> Health | None:
        """How the OAuth2 log-in is doing, if the channel has one."""
        return self.login.health() if self.login else None

    async def close(self) -> None:
        """Let go of files and connections once nothing is being sent any more."""
        await self._way.close()

    def _probe(self) -> Probe:
        """The addresses that we will use, with a tag that nobody was given."""
        own, settings = self._settings.address, self._settings
        local, _, domain = own.rpartition("@")
        bounces = settings.return_path == "bounce"
        return Probe(
            own=wire(own),
            tagged=wire(f"{local}+check@{domain}"),
            bounce=bounce_address(own, "check") if bounces else "",
            tags=settings.tags_replies or bounces,
        )

    def _sender(self, message: Message) -> Address:
        """From is one of our plain addresses, whatever the message says."""
        name, address = message.from_[0] if message.from_ else Address("", "")
        own = Identity("email", address.lower()) in self._own
        return Address(name or self._settings.from_name, address if own else self._settings.address)

    def _reverse_path(self, message: Message, sender: str, key: str) -> str:
        """RFC 3834 section 3.3: the null path, or one that never answers, for what robots say."""
        if not is_automatic(message):
            return wire(sender)
        if self._settings.return_path == "null":
            return ""
        return bounce_address(sender, key)


def bounce_address(address: str, key: str) -> str:
    """Where the bounces of one automatic mail come back to; a key's domain would say nothing."""
    local, _, domain = address.rpartition("@")
    tag = re.sub(r"[^A-Za-z0-9._=-]", "-", key.partition("@")[0])
    return wire(f"{local}+bounce-{tag}@{domain}")


def login_of(settings: MailSettings, host: Host) -> Login | None:
    """The OAuth2 log-in of a mail channel, for its mailbox and its smarthost alike."""
    if settings.oauth is None:
        return None
    return Login(settings.oauth, settings.name, host.login_folder, failpoint=host.failpoint)


def _way(settings: MailSettings, host: Host, login: Login | None) -> Way:
    scheme, _, path = settings.send.partition(":")
    if scheme.lower() == "maildir":
        return Maildir(Path(path), host.failpoint)
    from channels.smarthost import Smarthost  # and a client for SMTP

    return Smarthost(settings.send, settings.password, host.hostname, host.failpoint, login=login)


def _recipients(message: Message) -> tuple[str, ...]:
    addresses = [wire(address) for _, address in (*message.to, *message.cc)]
    if not addresses:
        raise Rejected("the mail names no recipient")
    if is_automatic(message) and len(addresses) > 1:
        raise Rejected("automatic mail goes to one recipient only")
    return tuple(dict.fromkeys(addresses))


def _name(key: str, message_id: str) -> str:
    """Keys begin anew with a new store, Message-IDs do not: both together are one mail for ever."""
    readable = re.sub(r"[^A-Za-z0-9=_-]", "-", key)[:80]
    return f"{readable}.{sha256(f'{key} {message_id}'.encode()).hexdigest()[:16]}"


def _with_parts(message: Message) -> Message:
    return replace(message, parts=tuple(replace(p, data=octets(p)) for p in message.parts))
