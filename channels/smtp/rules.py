"""What holds for all peers of a listener: what is offered, and which parameters are taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from channels.base import Host
from channels.smtp.address import Path, Recipients
from channels.smtp.settings import ListenerSettings


@dataclass(frozen=True, slots=True)
class Rules:
    """What is the same for all peers of a listener.

    `new_unit` names a transaction; `has_room` tells whether memory is left for another mail.
    """

    settings: ListenerSettings
    host: Host
    recipients: Recipients
    lmtp: bool
    new_unit: Callable[[], str]
    has_room: Callable[[], bool]

    @property
    def greeting(self) -> bytes:
        kind = "LMTP" if self.lmtp else "ESMTP"
        return f"220 {self.host.hostname} {kind} at your service\r\n".encode()

    def extensions(self, *, encrypted: bool) -> bytes:
        """The reply to EHLO: exactly what holds at this moment."""
        lines = [
            self.host.hostname,
            f"SIZE {self.settings.max_size}",
            "8BITMIME",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
        ]
        if self.settings.smtputf8:
            lines.append("SMTPUTF8")
        if self.settings.tls == "starttls" and not encrypted:
            lines.append("STARTTLS")
        if self.settings.users and encrypted:
            lines.append("AUTH PLAIN LOGIN")
        return "".join(f"250-{line}\r\n" for line in lines[:-1]).encode() + (
            f"250 {lines[-1]}\r\n".encode()
        )


def refuse_beyond_ascii(path: Path, *, utf8: bool) -> bytes:
    # RFC 6531 section 3.5: such an address needs the parameter SMTPUTF8.
    if utf8 or path.address.isascii():
        return b""
    return b"553 5.6.7 addresses beyond ASCII need SMTPUTF8\r\n"


def refuse_parameters(settings: ListenerSettings, path: Path) -> bytes:
    """Why what stands behind the address of MAIL will not do; empty if it does."""
    for keyword, value in path.parameters.items():
        check = _PARAMETERS.get(keyword)
        if refusal := check(settings, value) if check else b"555 5.5.4 parameter not known\r\n":
            return refusal
    return b""


def _size(settings: ListenerSettings, value: bytes) -> bytes:
    if not value.isdigit() or len(value) > 20:
        return b"501 5.5.4 SIZE wants a number\r\n"
    if int(value) > settings.max_size:
        return b"552 5.3.4 too large, we take %d octets\r\n" % settings.max_size
    return b""


def _body(_: ListenerSettings, value: bytes) -> bytes:
    known = value.upper() in {b"7BIT", b"8BITMIME"}
    return b"" if known else b"501 5.5.4 BODY is 7BIT or 8BITMIME\r\n"


def _smtputf8(settings: ListenerSettings, value: bytes) -> bytes:
    return b"" if settings.smtputf8 and not value else b"555 5.5.4 SMTPUTF8 is not offered so\r\n"


def _auth(settings: ListenerSettings, _: bytes) -> bytes:
    # RFC 4954 section 5: a word about the original submitter, which we need not believe.
    return b"" if settings.users else b"555 5.5.4 AUTH is not offered\r\n"


_PARAMETERS = {b"SIZE": _size, b"BODY": _body, b"SMTPUTF8": _smtputf8, b"AUTH": _auth}
