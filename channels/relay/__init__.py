"""A smarthost as the channel's `send` names it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Self, cast, get_args
from urllib.parse import parse_qs, unquote, urlsplit

Tls = Literal["none", "starttls", "implicit"]


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
    def parse(cls, url: str, password: str, *, by_token: bool = False) -> Self:
        """The options are `tls`, `ca_file` and `connections`. Raises ValueError, for the admin.

        `by_token`: where there is no password, an OAuth2 token logs the user in.
        """
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if unknown := options.keys() - {"tls", "ca_file", "connections"}:
            raise ValueError(f"{min(unknown)!r} is not an option of a smarthost")
        if parts.password is not None:
            raise ValueError("a password has its own key, `password`; take it out of `send`")
        if parts.username and not (password or by_token):
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

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


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


class Probe(NamedTuple):
    """What the channel will ask of its smarthost, in the octets of the wire.

    `own` is the address that it writes from, `tagged` one with a tag, `bounce` an address for
    bounces, or "" for the null reverse-path. `tags` says whether tagged addresses must work.
    """

    own: str
    tagged: str
    bounce: str = ""
    tags: bool = False
