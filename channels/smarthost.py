"""Mail to a smarthost: SMTP submission over a few connections that carry mail after mail."""

from __future__ import annotations

import asyncio
import re
from asyncio import Task, Timeout, TimerHandle
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import NamedTuple

from aiosmtplib import SMTP, SMTPException
from aiosmtplib.response import SMTPResponse

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from channels.mail_compose import Mail, clean
from channels.oauth import Login
from channels.relay import Probe, Relay
from channels.relay.check import tried
from channels.relay.dial import Dial, hang_up, why_of

MAILS_PER_CONNECTION = 100
# RFC 3463: bad mailbox, bad system, bad syntax, ambiguous, moved, null MX: the recipient's address.
_DEAD = re.compile(r"5\.1\.(?:[12346]|10)\b")
_DELAY = re.compile(r"\b(\d{1,4}) ?(second|minute|hour|sec|min)", re.IGNORECASE)
# A full or unknown mailbox (RFC 3463 section 3.2, 3.3) and a greylist, which counts each pair of
# sender and recipient apart, say nothing about the rest of a domain; 421 is the relay's own word.
_OF_ONE = re.compile(r"421|4\d\d (?:4\.[12]\.\d|.*gr[ea]y.?list)", re.IGNORECASE)
_LONGEST = timedelta(days=1)  # that a relay may put us off at once
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
        login: Login | None = None,
    ) -> None:
        used = None if password else login
        self._relay = Relay.parse(url, password, by_token=used is not None)
        self._dial = Dial(self._relay, hostname, used, patience.connect, patience.command)
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

    async def check(self, probe: Probe) -> str:
        """Connect, log in and begin a mail, which is never sent; say what works.

        Raises ChannelDown with a line for each thing that does not.
        """
        return await tried(self._dial, probe)

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
            raise ChannelDown(why_of(error)) from error

    async def _hand_over(self, client: SMTP, mail: Mail) -> str:
        """Everything up to the dot at once: from here on the relay may have the mail."""
        if client.protocol is None:
            raise ChannelDown("the connection broke")
        # RFC 5321 section 4.5.2; a mail begins with a header, so never with a dot.
        octets = mail.data.replace(b"\r\n.", b"\r\n..") + b".\r\n"
        try:
            client.protocol.write(octets)
        except SMTPException as error:
            raise ChannelDown(why_of(error)) from error
        self._failpoint("F5")
        try:
            reply = await client.protocol.read_response(timeout=self._patience.reply)
        except (SMTPException, OSError) as error:
            raise InDoubt(why_of(error)) from error
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
        farewell = asyncio.get_running_loop().create_task(hang_up(connection.client))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)

    async def _connect(self, arrived: float) -> _Connection:
        """A session that is ready for MAIL. Raises ChannelDown.

        Who waited in line while another's attempt failed need not wait for a failure of its own.
        """
        failed, why = self._last_failure
        if failed >= arrived:
            raise ChannelDown(why)
        try:
            return _Connection(await self._dial.open())
        except (SMTPException, OSError, ChannelDown) as error:
            why = f"{self._relay}: {why_of(error)}"
            self._last_failure = (monotonic(), why)
            raise ChannelDown(why) from error


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
        return min(timedelta(seconds=int(found[1]) * _SECONDS[found[2][:3].lower()]), _LONGEST)
    return None


def _text(reply: SMTPResponse) -> str:
    return clean(f"{reply.code} {reply.message}")


async def _reset(client: SMTP) -> bool:
    """Whether the connection is fit for another mail."""
    with suppress(SMTPException, OSError):
        return (await client.execute_command(b"RSET")).code == 250
    return False
