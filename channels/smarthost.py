"""Mail to a smarthost: SMTP submission over a few connections that carry mail after mail."""

from __future__ import annotations

import asyncio
import re
import ssl
from asyncio import Task, Timeout, TimerHandle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Literal, NamedTuple, Self, cast, get_args
from urllib.parse import parse_qs, unquote, urlsplit

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException
from aiosmtplib.response import SMTPResponse

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from channels.mail_compose import Mail, clean

Tls = Literal["none", "starttls", "implicit"]

MAILS_PER_CONNECTION = 100
# RFC 3463: bad mailbox, bad system, bad syntax, ambiguous, moved, null MX: the recipient's address.
_DEAD = re.compile(r"5\.1\.(?:[12346]|10)\b")
_DELAY = re.compile(r"\b(\d{1,4}) ?(second|minute|hour|sec|min)", re.IGNORECASE)
# A full or unknown mailbox (RFC 3463 section 3.2, 3.3) and a greylist, which counts each pair of
# sender and recipient apart, say nothing about the rest of a domain; 421 is the relay's own word.
_OF_ONE = re.compile(r"421|4\d\d (?:4\.[12]\.\d|.*gr[ea]y.?list)", re.IGNORECASE)
_SECONDS = {"sec": 1, "min": 60, "hou": 3600}
# RFC 4954 section 6 and RFC 3207 section 4: it is our account that is refused, not this mail.
_OUR_ACCOUNT = frozenset({530, 534, 535, 538})


class Patience(NamedTuple):
    """How long we wait, in seconds, at most: for the word to go ahead, and for the reply.

    RFC 5321 section 4.5.3.2 would have us wait 10 minutes for the reply. The outbox gives up on a
    delivery after 2, so we end earlier and can say on which side of the dot it was.
    """

    connect: float = 20.0
    command: float = 30.0
    offer: float = 45.0
    reply: float = 70.0
    idle: float = 25.0


_PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Relay:
    """A smarthost as the admin names it: `smtp://[user@]HOST[:PORT]?tls=…`."""

    host: str
    port: int
    tls: Tls
    user: str = ""
    password: str = field(default="", repr=False)
    context: ssl.SSLContext | None = None
    connections: int = 5

    @classmethod
    def parse(cls, url: str, password: str) -> Self:
        """The options are `tls`, `ca_file` and `connections`. Raises ValueError, for the admin."""
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if unknown := options.keys() - {"tls", "ca_file", "connections"}:
            raise ValueError(f"{min(unknown)!r} is not an option of a smarthost")
        if parts.password is not None:
            raise ValueError("a password has its own key, `password`; take it out of `send`")
        if parts.username and not password:
            raise ValueError(f"{parts.hostname} wants a `password` for {unquote(parts.username)}")
        tls = _tls(parts.hostname or "", parts.port, options.get("tls", ""))
        return cls(
            host=parts.hostname or "",
            port=parts.port or {"none": 25, "starttls": 587, "implicit": 465}[tls],
            tls=tls,
            user=unquote(parts.username or ""),
            password=password,
            context=None if tls == "none" else _context(options.get("ca_file")),
            connections=_at_least_one(options.get("connections", "5")),
        )


class _Connection:
    """One SMTP session; `expiry` ends it when no mail comes for a while."""

    def __init__(self, client: SMTP) -> None:
        self.client = client
        self.mails = 0
        self.expiry: TimerHandle | None = None


class Smarthost:
    """Hands mails to one relay, each of them once, and tells exactly how far it came."""

    def __init__(
        self,
        url: str,
        password: str,
        hostname: str,
        failpoint: Callable[[str], None],
        patience: Patience = _PATIENCE,
    ) -> None:
        self._relay = Relay.parse(url, password)
        self._hostname = hostname
        self._failpoint = failpoint
        self._patience = patience
        self._room = asyncio.Semaphore(self._relay.connections)
        self._idle: list[_Connection] = []
        self._farewells: set[Task[None]] = set()
        self._last_failure: tuple[float, str] = (-1.0, "")

    async def deliver(self, mail: Mail) -> str:
        """The relay's reply to the mail. Raises the DeliveryError that tells what happened.

        All recipients or none: if one is refused, nobody gets the mail.
        """
        arrived = monotonic()
        try:
            async with asyncio.timeout(self._patience.offer) as limit, self._room:
                return await self._deliver(mail, limit, arrived)
        except TimeoutError as error:
            raise ChannelDown(f"{self._relay.host} does not take the mail in time") from error

    async def check(self) -> None:
        """Connect, log in, and see whether the null reverse-path is taken. Raises DeliveryError."""
        async with self._room:
            client = (await self._connect(monotonic())).client
            try:
                await _command(client, "MAIL", "FROM:<>")
            except (SMTPException, OSError) as error:
                raise ChannelDown(_why(error)) from error
            finally:
                await _quit(client)

    async def close(self) -> None:
        """Say QUIT on all idle connections."""
        while self._idle:
            self._dismiss(self._idle.pop())
        await asyncio.gather(*self._farewells)

    async def _deliver(self, mail: Mail, limit: Timeout, arrived: float) -> str:
        if connection := self._take():
            try:
                return await self._carry(connection, mail, limit)
            except (Retry, ChannelDown):
                if connection.client.is_connected:
                    raise
        # An idle connection may have died unseen; nothing was given, so a new one has a go.
        return await self._carry(await self._connect(arrived), mail, limit)

    async def _carry(self, connection: _Connection, mail: Mail, limit: Timeout) -> str:
        """One mail over one connection, which is fit for the next one afterwards or closed."""
        client = connection.client
        connection.mails += 1
        clean_end = False
        try:
            await self._offer(client, mail)
            limit.reschedule(None)
            reply = await self._hand_over(client, mail)
            clean_end = True
        except (Retry, Rejected):
            clean_end = await _reset(client)
            raise
        finally:
            if clean_end:
                self._keep(connection)
            else:
                client.close()
        return reply

    async def _offer(self, client: SMTP, mail: Mail) -> None:
        """The dialogue up to DATA's 354; until then the mail is surely not given."""
        try:
            await _command(client, "MAIL", f"FROM:<{mail.sender}>", *_parameters(client, mail))
            for recipient in mail.recipients:
                await _address(client, recipient)
            await _command(client, "DATA", expected=3)
        except (SMTPException, OSError) as error:
            raise ChannelDown(_why(error)) from error

    async def _hand_over(self, client: SMTP, mail: Mail) -> str:
        """Everything up to the dot at once: from here on the relay may have the mail."""
        if client.protocol is None:
            raise ChannelDown("the connection broke")
        # RFC 5321 section 4.5.2; a mail begins with a header, so never with a dot.
        octets = mail.data.replace(b"\r\n.", b"\r\n..") + b".\r\n"
        try:
            client.protocol.write(octets)
        except SMTPException as error:
            raise ChannelDown(_why(error)) from error
        self._failpoint("F5")
        try:
            reply = await client.protocol.read_response(timeout=self._patience.reply)
        except (SMTPException, OSError) as error:
            raise InDoubt(_why(error)) from error
        if reply.code // 100 in (1, 3):
            raise InDoubt(_text(reply))
        _expect(reply, 2)
        return clean(reply.message)

    def _take(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.expiry:
                connection.expiry.cancel()
            if connection.client.is_connected and connection.mails < MAILS_PER_CONNECTION:
                return connection
            self._dismiss(connection)
        return None

    def _keep(self, connection: _Connection) -> None:
        loop = asyncio.get_running_loop()
        connection.expiry = loop.call_later(self._patience.idle, self._expire, connection)
        self._idle.append(connection)

    def _expire(self, connection: _Connection) -> None:
        self._idle.remove(connection)
        self._dismiss(connection)

    def _dismiss(self, connection: _Connection) -> None:
        if connection.expiry:
            connection.expiry.cancel()
        farewell = asyncio.get_running_loop().create_task(_quit(connection.client))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)

    async def _connect(self, arrived: float) -> _Connection:
        """A session that is ready for MAIL. Raises ChannelDown.

        Who waited in line while another's attempt failed need not wait for a failure of its own.
        """
        failed, why = self._last_failure
        if failed >= arrived:
            raise ChannelDown(why)
        client, connection = self._client(), None
        try:
            async with asyncio.timeout(self._patience.connect):
                await client.connect()
                if client.is_ehlo_or_helo_needed:
                    await client.ehlo()
            client.timeout = self._patience.command
            connection = _Connection(client)
        except (SMTPException, OSError) as error:
            why = f"{self._relay.host}:{self._relay.port}: {_why(error)}"
            self._last_failure = (monotonic(), why)
            raise ChannelDown(why) from error
        finally:
            if connection is None:
                client.close()
        return connection

    def _client(self) -> SMTP:
        relay = self._relay
        return SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.user or None,
            password=relay.password if relay.user else None,
            local_hostname=self._hostname,
            timeout=self._patience.connect,
            use_tls=relay.tls == "implicit",
            start_tls=relay.tls == "starttls",
            tls_context=relay.context,
        )


def _tls(host: str, port: int | None, asked: str) -> Tls:
    """Encrypted unless the admin says otherwise, or the relay is this very machine."""
    if asked and asked not in get_args(Tls):
        raise ValueError(f"tls={asked}: say none, starttls or implicit")
    if asked:
        return cast(Tls, asked)
    if port == 465:
        return "implicit"
    return "none" if host in ("localhost", "127.0.0.1", "::1") else "starttls"


def _context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ValueError(f"ca_file {ca_file}: {error.strerror or error}") from error


def _at_least_one(number: str) -> int:
    if not number.isdecimal() or int(number) < 1:
        raise ValueError(f"connections={number}: say a number from 1")
    return int(number)


def _parameters(client: SMTP, mail: Mail) -> list[str]:
    """RFC 1870 and RFC 6531 section 3.4; our bodies are 7-bit, so only headers need SMTPUTF8."""
    parameters = []
    if client.supports_extension("size"):
        parameters.append(f"SIZE={len(mail.data)}")
    if not (mail.data.isascii() and "".join((mail.sender, *mail.recipients)).isascii()):
        if not client.supports_extension("smtputf8"):
            raise Rejected("the smarthost takes no addresses beyond ASCII (SMTPUTF8)")
        parameters += ["BODY=8BITMIME", "SMTPUTF8"]
    return parameters


async def _address(client: SMTP, recipient: str) -> None:
    """RCPT; its refusal says whom it is about."""
    try:
        await _command(client, "RCPT", f"TO:<{recipient}>")
    except Rejected as error:
        raise Rejected(str(error), error.reason, recipient) from None
    except Retry as error:
        whole_domain = not _OF_ONE.match(str(error))
        raise Retry(str(error), error.after, whole_domain=whole_domain) from None


async def _command(client: SMTP, *words: str, expected: int = 2) -> None:
    reply = await client.execute_command(*(word.encode() for word in words))
    _expect(reply, expected)


def _expect(reply: SMTPResponse, expected: int) -> None:
    if reply.code // 100 != expected:
        raise _refusal(reply)


def _refusal(reply: SMTPResponse) -> DeliveryError:
    """What a reply means that is not the one we hoped for."""
    text = _text(reply)
    if reply.code in _OUR_ACCOUNT:
        return ChannelDown(text)
    if reply.code // 100 != 5:
        return Retry(text, _delay(reply.message))
    return Rejected(text, "address_dead" if _DEAD.match(reply.message) else "content")


def _delay(text: str) -> timedelta | None:
    """How long a greylist wants us to stay away, if it says so."""
    if found := _DELAY.search(text):
        return timedelta(seconds=int(found[1]) * _SECONDS[found[2][:3].lower()])
    return None


def _text(reply: SMTPResponse) -> str:
    return clean(f"{reply.code} {reply.message}")


def _why(error: Exception) -> str:
    """Some servers repeat a command that they refuse, so their word on AUTH is not passed on."""
    if isinstance(error, SMTPAuthenticationError):
        return f"the smarthost refused user or password ({error.code})"
    if isinstance(error, SMTPResponseException):
        return clean(f"{error.code} {error.message}")
    return clean(str(error)) or "no answer in time"


async def _reset(client: SMTP) -> bool:
    """Whether the connection is fit for another mail."""
    with suppress(SMTPException, OSError):
        return (await client.execute_command(b"RSET")).code == 250
    return False


async def _quit(client: SMTP) -> None:
    with suppress(SMTPException, OSError):
        await client.quit(timeout=5)
    client.close()
