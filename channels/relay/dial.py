"""A session with a smarthost: connected, encrypted, logged in with a password or a token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import NamedTuple

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException

from channels.base import ChannelDown
from channels.mail_compose import clean
from channels.oauth import Login
from channels.relay import Relay

REFUSED_PAUSE = 300.0  # seconds that a log-in stays untried which the smarthost has refused


class NoLogin(SMTPException):
    """The smarthost does not offer the log-in that we need."""

    def __init__(self, mechanism: str) -> None:
        super().__init__(f"the smarthost does not offer {mechanism}")
        self.mechanism = mechanism


class _Refused(NamedTuple):
    """What the smarthost did not take, until when we leave it in peace, and what it said."""

    credential: str = ""
    until: float = 0.0
    why: str = ""


class Dial:
    """Opens sessions with one relay.

    A log-in that was refused is not tried again for five minutes, however many mails wait: some
    servers lock an account after a few. A new token may be tried at once.
    """

    def __init__(
        self,
        relay: Relay,
        hostname: str,
        login: Login | None = None,
        connect: float = 20.0,
        command: float = 30.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.relay = relay
        self._hostname = hostname
        self._login = login if relay.user else None
        self._connect = connect
        self._command = command
        self._clock = clock
        self._refused = _Refused()
        self._accepted = ""
        self._finding_out = asyncio.Lock()

    async def open(self) -> SMTP:
        """Ready for MAIL. Raises SMTPException or OSError as they came, or ChannelDown."""
        if self._login is None:
            return await self._open(self.relay.password)
        token = await self._login.access_soon()
        was_refused = token == self._refused.credential
        try:
            return await self._open(token)
        except SMTPAuthenticationError as error:
            if error.code < 500 or was_refused:
                raise
        # Providers end tokens early, when a password changes for one; a new one has one go.
        return await self._open(await self._login.access_soon(refused=token))

    async def _open(self, credential: str) -> SMTP:
        """Who is unsure whether a log-in is good waits for the first to find out."""
        if credential == self._accepted:
            return await self._session(credential)
        async with self._finding_out:
            if credential == self._refused.credential and self._clock() < self._refused.until:
                raise ChannelDown(self._refused.why)
            client = await self._session(credential)
            self._accepted = credential
            return client

    async def _session(self, credential: str) -> SMTP:
        client, is_open = self._client(), False
        try:
            async with asyncio.timeout(self._connect):
                await client.connect()
                if client.is_ehlo_or_helo_needed:
                    await client.ehlo()
                if self.relay.user:
                    await self._log_in(client, credential)
            client.timeout = self._command
            is_open = True
        except SMTPAuthenticationError as error:
            if error.code >= 500:
                until = self._clock() + REFUSED_PAUSE
                self._refused = _Refused(credential, until, why_of(error))
                self._accepted = ""
            raise
        finally:
            if not is_open:
                client.close()
        return client

    async def _log_in(self, client: SMTP, credential: str) -> None:
        """By one mechanism, the best that is offered: each further one would be another try."""
        user, offered = self.relay.user, client.server_auth_methods
        ways = {
            "plain": client.auth_plain,
            "login": client.auth_login,
            "cram-md5": client.auth_crammd5,
        }
        if self._login:
            ways = {"xoauth2": client.auth_xoauth2}
        elif self.relay.tls == "none":
            ways = dict(reversed(ways.items()))
        for name, log_in in ways.items():
            if name in offered:
                await log_in(user, credential)
                return
        raise NoLogin("XOAUTH2" if self._login else "AUTH")

    def _client(self) -> SMTP:
        relay = self.relay
        return SMTP(
            hostname=relay.host,
            port=relay.port,
            local_hostname=self._hostname,
            timeout=self._connect,
            use_tls=relay.tls == "implicit",
            start_tls=relay.tls == "starttls",
            tls_context=relay.context,
        )


def why_of(error: Exception) -> str:
    """Some servers repeat a command that they refuse, so their word on AUTH is not passed on."""
    if isinstance(error, SMTPAuthenticationError):
        return f"the smarthost refused user or password ({error.code})"
    if isinstance(error, SMTPResponseException):
        return clean(f"{error.code} {error.message}")
    return clean(str(error)) or "no answer in time"


async def hang_up(client: SMTP) -> None:
    """QUIT, if the peer still listens."""
    with suppress(SMTPException, OSError):
        await client.quit(timeout=5)
    client.close()
