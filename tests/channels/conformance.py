"""Our own channels and doubles of their peers, for the conformance kit."""

from __future__ import annotations

import asyncio
import email
import email.policy
import smtplib
from contextlib import suppress
from email.message import EmailMessage
from typing import Any, ClassVar

from channels.base import Channel, Host, Request
from channels.imap import Imap
from channels.imap.mailbox import PLACES
from channels.line import Line
from channels.lmtp import Lmtp
from channels.smtp import Smtp
from channels.testing import Given, Told, Trouble, call, told
from normalizer.message import Address
from tests.channels import line_double
from tests.channels.imap_box import settings as imap_settings
from tests.channels.smtp_peer import OURS
from tests.channels.smtp_sink import Sink
from tests.daemon.dovecot import Dovecot
from tests.making import until

REPLIES: dict[Trouble, dict[str, str]] = {
    "down": {"EHLO": "hang up"},
    "busy": {"MAIL": "451 4.3.0 later"},
    "unwanted": {"RCPT": "554 5.7.1 not from you"},
    "gone": {"RCPT": "550 5.1.1 no such user"},
    "vanishes": {"DATA": "hang up"},
}


class MailOutSubject:
    """The way out by a smarthost, which the mail channels share."""

    to = Address("Yuki", "yuki@example.jp")

    def __init__(self, sink: Sink, port: int) -> None:
        self._sink = sink
        self._send = f"smtp://127.0.0.1:{port}?tls=none&connections=1"

    async def trouble(self, how: Trouble | None) -> None:
        self._sink.replies = dict(REPLIES[how]) if how else {}

    def given(self) -> list[Given]:
        return [_given(envelope.content) for envelope in self._sink.mails]


def _given(content: Any) -> Given:
    mail = email.message_from_bytes(content, policy=email.policy.default)
    body = mail.get_body(("plain",))
    return Given(body.get_content() if body else "", str(mail["Message-ID"]))


def mail(id_: str, text: str) -> bytes:
    written = EmailMessage()
    written["From"], written["To"], written["Subject"] = "yuki@example.jp", OURS, "An order"
    written["Message-ID"] = f"<{id_}@mail.example>"
    written.set_content(text)
    return written.as_bytes(policy=email.policy.SMTP)


class SmtpSubject(MailOutSubject):
    """A relay with mails for us."""

    kind: ClassVar[type[Smtp]] = Smtp
    client: ClassVar[type[smtplib.SMTP]] = smtplib.SMTP

    def make(self, host: Host) -> Channel:
        facts = {"name": "mail", "type": "smtp", "addresses": [OURS], "listen": "127.0.0.1:0"}
        self._channel = self.kind(
            self.kind.Settings.model_validate(facts | {"send": self._send}), host
        )
        return self._channel

    async def offer(self, id_: str, text: str) -> Told:
        try:
            await asyncio.to_thread(self._deliver, mail(id_, text))
        except smtplib.SMTPResponseException as error:
            return "again" if error.smtp_code < 500 else "refused"
        except (OSError, IndexError, smtplib.SMTPException):
            return "again"
        return "taken"

    async def poison(self, octets: bytes) -> None:
        """As a mail, and as whatever a port scanner says."""
        with suppress(OSError, smtplib.SMTPException):
            await asyncio.to_thread(self._deliver, octets)
        _, writer = await asyncio.open_connection("127.0.0.1", self._channel.bound[0][1])
        with suppress(ConnectionError):
            writer.write(octets)
            await writer.drain()
        writer.close()

    def _deliver(self, content: bytes) -> None:
        port = self._channel.bound[0][1]
        with self.client("127.0.0.1", port, local_hostname="relay.example", timeout=30) as line:
            line.sendmail("yuki@example.jp", [OURS], content)


class LmtpSubject(SmtpSubject):
    kind = Lmtp
    client = smtplib.LMTP


class ImapSubject(MailOutSubject):
    """A mailbox of its own on a real Dovecot; a mail that has moved away is done."""

    def __init__(self, sink: Sink, port: int, server: Dovecot, user: str) -> None:
        super().__init__(sink, port)
        self._server, self._user = server, user
        self._there: set[str] = set()

    def make(self, host: Host) -> Channel:
        facts = {"send": self._send, "username": self._user, "afterwards": "move:Done", "poll": 1}
        settings = imap_settings(self._server.imap, **facts)
        self._past = host.past(settings.name)
        return Imap(settings, host)

    async def offer(self, id_: str, text: str) -> Told:
        await self._at_home()
        if id_ not in self._there:
            self._there.add(id_)
            await asyncio.to_thread(self._server.deliver, mail(id_, text), user=self._user)
        await until(lambda: asyncio.to_thread(self._is_gone, f"<{id_}@mail.example>"))
        return "taken"

    async def poison(self, octets: bytes) -> None:
        await self._at_home()
        with suppress(OSError, smtplib.SMTPException):
            await asyncio.to_thread(self._server.deliver, octets, user=self._user)

    async def _at_home(self) -> None:
        """What lies there before the first look is history, and stays."""

        async def looked() -> bool:
            return bool(await self._past.recall(PLACES))

        await until(looked)

    def _is_gone(self, message_id: str) -> bool:
        with self._server.connect(self._user) as client:
            client.select_folder("INBOX", readonly=True)
            return not client.search(["HEADER", "Message-ID", message_id])


class LineSubject:
    """LINE's platform: it calls, and is called."""

    to = Address("", line_double.YUKI)
    modes: ClassVar[dict[Trouble, str]] = {
        "down": "down", "busy": "busy", "unwanted": "unwanted", "gone": "gone",
    }  # fmt: skip

    def __init__(self, platform: line_double.Platform) -> None:
        self._platform = platform
        self._events: dict[str, bytes] = {}

    def make(self, host: Host) -> Channel:
        facts = {
            "name": "line", "type": "line", "channel_secret": line_double.SECRET,
            "access_token": line_double.TOKEN, "api": self._platform.url,
            "data_api": self._platform.url,
        }  # fmt: skip
        self._channel = Line(Line.Settings.model_validate(facts), host)
        return self._channel

    async def offer(self, id_: str, text: str) -> Told:
        event = self._platform.event(text)
        return told(await self._call(self._events.setdefault(id_, line_double.call(event))))

    async def poison(self, octets: bytes) -> None:
        """Signed all the same, as a whole call and as an event of one."""
        await self._call(octets)
        await self._call(b'{"events":[' + octets + b"]}")

    async def _call(self, body: bytes) -> int:
        headers = {"x-line-signature": line_double.sign(body)}
        return await call(self._channel, Request("POST", "", "", headers, body, "192.0.2.1"))

    async def trouble(self, how: Trouble | None) -> None:
        self._platform.mode = self.modes[how] if how else ""

    def given(self) -> list[Given]:
        return [
            Given("\n".join(one["text"] for one in push["messages"]), push["key"])
            for push in self._platform.pushed
        ]
