"""One IMAP connection: what a server may send is bounded in octets and in time."""

from __future__ import annotations

import imaplib
import select
import socket
import ssl
import time
from contextlib import suppress
from typing import Any, NoReturn

from imapclient import IMAPClient, SocketTimeout

from channels.imap.settings import ImapSettings

ROOM = 2 * 2**20  # octets that a server may send after one command, unless more is expected
_MOST = 32 * 2**20  # and then so many more: the UIDs of two million mails
_PATIENCE = 5  # so many time-outs may all answers to one command take
_PIECE = 2**16
# Seconds until the first probe on a silent line, between probes, and how many go unanswered.
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 3}


class Line(imaplib.IMAP4):
    """imaplib's protocol over a reader of our own.

    imaplib believes a literal's length and reads on until a command is answered. Here every octet
    counts: beyond `room`, or after too long, the connection is given up.
    """

    def __init__(self, settings: ImapSettings, context: ssl.SSLContext | None) -> None:
        self.room = ROOM
        self._settings = settings
        self._context = context
        self._buffer = bytearray()
        self._renew()
        super().__init__(settings.host, settings.port)

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:  # noqa: ARG002  as the library calls it
        self.host, self.port = host, port
        self.sock = socket.create_connection((host, port), self._settings.timeout)
        _watch(self.sock, self._settings.timeout)
        if self._context and self._settings.tls == "implicit":
            self.sock = self._context.wrap_socket(self.sock, server_hostname=host)

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> Any:
        """The library's own keeps what came in the clear after the OK (CVE-2011-0411)."""
        if ssl_context is None or "STARTTLS" not in self.capabilities:
            raise self.abort("the server offers no STARTTLS")
        kind, data = self._simple_command("STARTTLS")
        if kind != "OK" or self._buffer:
            raise self.abort("STARTTLS was refused, or more than its answer came in the clear")
        self.sock = ssl_context.wrap_socket(self.sock, server_hostname=self.host)
        self._get_capabilities()
        return kind, data

    def send(self, data: Any) -> None:
        self._renew()
        self.sock.sendall(data)

    def readline(self) -> bytes:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if not self._more():
                return b""
        return self._cut(end + 1)

    def read(self, size: int) -> bytes:
        if size > self._left:
            self._too_much()
        while len(self._buffer) < size:
            if not self._more():
                raise self.abort("the connection ended in the middle of a mail")
        return self._cut(size)

    def shutdown(self) -> None:
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def has_news(self, seconds: float) -> bool:
        """Whether the server says something within so many seconds, or is gone."""
        decrypted = self.sock.pending() if isinstance(self.sock, ssl.SSLSocket) else 0
        if self._buffer or decrypted:
            return True
        poller = select.poll()
        poller.register(self.sock, select.POLLIN)
        return bool(poller.poll(seconds * 1000))

    def _renew(self) -> None:
        self._left = self.room
        self._until = time.monotonic() + self._settings.timeout * _PATIENCE

    def _more(self) -> bool:
        """Take in what is there; False at the end of the connection."""
        data = self.sock.recv(_PIECE)
        self._left -= len(data)
        if self._left < 0:
            self._too_much()
        if time.monotonic() > self._until:
            raise TimeoutError("the server did not come to an end with its answer")
        self._buffer += data
        return bool(data)

    def _cut(self, size: int) -> bytes:
        piece = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return piece

    def _too_much(self) -> NoReturn:
        raise self.abort("the server sends more than it was asked for")


class Connection(IMAPClient):  # type: ignore[misc]  # the library has no types
    """imapclient on such a line, not logged in yet. Raises OSError, imaplib.IMAP4.error."""

    def __init__(self, settings: ImapSettings) -> None:
        self._settings = settings
        self._context = None if settings.tls == "none" else ssl.create_default_context()
        super().__init__(
            settings.host,
            settings.port,
            ssl=settings.tls == "implicit",
            timeout=SocketTimeout(settings.timeout, settings.timeout),
        )
        self.normalise_times = False
        self._imap.debug = 0  # imapclient formats each line for a log that nobody reads
        if settings.tls == "starttls":
            try:
                self._imap.starttls(self._context)
            except BaseException:
                self.shutdown()
                raise

    def expect(self, octets: int) -> None:
        """The answer to the next command may hold so many octets more than usual."""
        self._imap.room = ROOM + min(octets, _MOST)

    def has_news(self, seconds: float) -> bool:
        return bool(self._imap.has_news(seconds))

    def told_of_mail(self) -> bool:
        """Whether an answer since this was asked last told of mail as well (RFC 3501 section 5.2).

        A server tells once: whoever rests then is not told again.
        """
        return bool(self._imap.untagged_responses.pop("EXISTS", None))

    def cut(self) -> None:
        """End the connection under whoever waits on it; from any thread."""
        with suppress(OSError):
            self.socket().shutdown(socket.SHUT_RDWR)

    def leave(self) -> None:
        """Close it, politely if that works."""
        with suppress(Exception):
            self.logout()
        with suppress(Exception):
            self.shutdown()

    def _create_IMAP4(self) -> Line:  # noqa: N802  the library's name
        return Line(self._settings, self._context)


def _watch(sock: socket.socket, timeout: float) -> None:
    """So that the system notices a peer that is gone, where it can."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = _KEEPALIVE | {"TCP_USER_TIMEOUT": int(timeout * 1000)}
    for name, value in options.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
