"""A smarthost for tests: takes mail, keeps it, and says what the test wants."""

from __future__ import annotations

import asyncio
import base64
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from channels.oauth import Login
from channels.smarthost import Patience, Smarthost

SECRET = "s3cret-pass-word"


class Sink:
    """A receiving server: keeps what it took, says what the test wants, counts connections."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.connections = 0
        self.replies: dict[str, str] = {}
        self.open: set[asyncio.Transport] = set()
        self.closed, self.took = asyncio.Event(), asyncio.Event()
        self.logins: list[tuple[bytes, bytes]] = []
        self.tokens: set[str] = set()
        self.verbs: list[str] = []

    def said(self, verb: str) -> str | None:
        """The reply for this verb, once: "hang up" breaks the connection instead."""
        reply = self.replies.pop(verb, None)
        if reply == "hang up":
            self.hang_up()
        return reply

    def hang_up(self) -> None:
        for transport in self.open:
            transport.abort()

    async def handle_EHLO(  # noqa: N802  # aiosmtpd finds it by this name
        self, server: Link, session: Session, envelope: Envelope, host: str, lines: list[str]
    ) -> list[str]:
        session.host_name = host
        return [reply] if (reply := self.said("EHLO")) else lines

    async def handle_MAIL(  # noqa: N802  # aiosmtpd finds it by this name
        self, server: Link, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if reply := self.said("MAIL"):
            return reply
        envelope.mail_from, envelope.mail_options = address, options
        return "250 2.1.0 fine"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd finds it by this name
        self, server: Link, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if reply := self.said(f"RCPT {address}") or self.said("RCPT"):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(  # noqa: N802  # aiosmtpd finds it by this name
        self, server: Link, session: Session, envelope: Envelope
    ) -> str:
        self.mails.append(envelope)
        self.took.set()
        return self.said("DATA") or f"250 2.0.0 queued as {len(self.mails)}"

    async def handle_RSET(  # noqa: N802  # aiosmtpd finds it by this name
        self, server: Link, session: Session, envelope: Envelope
    ) -> str:
        self.verbs.append("RSET")
        return "250 2.0.0 fine"

    async def auth_XOAUTH2(  # noqa: N802  # aiosmtpd finds it by this name
        self, server: Link, args: list[str]
    ) -> AuthResult:
        """As Google does it: a refusal comes as a challenge first, which wants an empty answer."""
        user, bearer, *_ = base64.b64decode(args[1]).split(b"\1")
        token = bearer.removeprefix(b"auth=Bearer ")
        self.logins.append((user.removeprefix(b"user="), token))
        if token.decode() in self.tokens:
            return AuthResult(success=True)
        await server.challenge_auth(b'{"status":"400","schemes":"Bearer"}', encode_to_b64=True)
        return AuthResult(success=False, handled=False)

    def authenticate(
        self, server: Any, session: Session, envelope: Envelope, mechanism: str, login: Any
    ) -> AuthResult:
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == SECRET.encode(), handled=False)


class Link(SMTP):
    """One connection to the sink; STARTTLS makes it anew on another transport."""

    wire: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        sink: Sink = self.event_handler
        sink.connections += self.wire is None
        sink.open.add(transport)
        self.wire = transport

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        sink: Sink = self.event_handler
        sink.closed.set()


@asynccontextmanager
async def sink(
    context: ssl.SSLContext | None = None,
    *,
    implicit: bool = False,
    plain_auth: bool = False,
    **options: Any,
) -> AsyncIterator[tuple[Sink, int]]:
    it, loop = Sink(), asyncio.get_running_loop()
    starttls = None if implicit else context
    server = await loop.create_server(
        lambda: Link(
            it,
            hostname="sink.example",
            loop=loop,
            tls_context=starttls,
            authenticator=it.authenticate,
            # aiosmtpd does not see that the connection was encrypted from its first octet on.
            auth_require_tls=not (implicit or plain_auth),
            **options,
        ),
        "127.0.0.1",
        0,
        ssl=context if implicit else None,
    )
    yield it, server.sockets[0].getsockname()[1]
    server.close()
    it.hang_up()


Stranger = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def stranger(says: Stranger) -> AsyncIterator[int]:
    """The port of a server that is not quite one."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.ensure_future(talk(reader, writer)))

    server = await asyncio.start_server(taken, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.gather(*talks)


@asynccontextmanager
async def smarthost(
    port: int,
    query: str = "tls=none",
    *,
    user: str = "",
    password: str = "",
    failpoint: Callable[[str], None] = lambda _: None,
    patience: Patience | None = None,
    login: Login | None = None,
) -> AsyncIterator[Smarthost]:
    url = f"smtp://{user}@localhost:{port}?{query}" if user else f"smtp://127.0.0.1:{port}?{query}"
    patience = patience or Patience()
    it = Smarthost(url, password, "mx.example.com", failpoint, patience, login)
    yield it
    await it.close()


class Certificates(NamedTuple):
    """A server's TLS context for `localhost`, and the file with the certificate to trust."""

    server: ssl.SSLContext
    ca_file: Path


def made_certificates(folder: Path) -> Certificates:
    """Self-signed, for `localhost`."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [*command.split(), *names, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return Certificates(context, certificate)
