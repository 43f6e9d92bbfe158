"""The table `[spam]`: by whose word mail is kept apart."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator

from gateway.config.types import Endpoint, Table

_WHOM = re.compile(r"([^@\s]+@)?[\w-]+(\.[\w-]+)*", re.UNICODE)


class Socket(NamedTuple):
    """Where a milter listens: a Unix socket's `path`, or else host and port."""

    path: str
    at: Endpoint | None

    @classmethod
    def parse(cls, text: object) -> Socket:
        kind, _, place = str(text).partition(":")
        if kind == "unix" and place.startswith("/"):
            return cls(place, None)
        if kind == "inet" and place:
            return cls("", Endpoint.parse(place))
        raise ValueError(
            f'"{text}" must be "inet:HOST:PORT" or "unix:/PATH", as Postfix\'s smtpd_milters has it'
        )


def _whom(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _WHOM.fullmatch(value):
            raise ValueError(f'"{value}" must be an address or a domain such as "shop.example"')
    return tuple(value.lower() for value in values)


def _url(value: str) -> str:
    parts = urlsplit(value)
    if value and not (parts.scheme in {"http", "https"} and parts.hostname):
        raise ValueError(f'"{value}" must be an address such as "http://127.0.0.1:11333"')
    return value.rstrip("/")


Whom = Annotated[tuple[str, ...], AfterValidator(_whom)]


class Spam(Table):
    """What is kept apart as spam, and by whose word; see [spam](spam.md)."""

    trust_headers: tuple[str, ...] = Field(
        (),
        description="Names of channels whose own server writes the spam headers, and removes those "
        "that others wrote: a mailbox, a listener behind your mail server. Headers of "
        "`trusted_relays` are believed without this.",
    )
    rspamd: Annotated[str, AfterValidator(_url)] = Field(
        "", description='rspamd\'s normal worker, asked over HTTP: "http://127.0.0.1:11333".'
    )
    milter: Annotated[Socket, PlainValidator(Socket.parse)] | None = Field(
        None, description='A milter to ask: "inet:HOST:PORT" or "unix:/PATH".'
    )
    threshold: float | None = Field(
        None, description="The score from which mail is spam. Unset: what the filter itself says."
    )
    block: Whom = Field((), description="Addresses and domains whose mail is spam.")
    allow: Whom = Field(
        (),
        description="Addresses and domains whose mail never is, if it is authenticated. "
        "Where both lists name a sender, the longer entry decides.",
    )
