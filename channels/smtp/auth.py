"""AUTH PLAIN and AUTH LOGIN (RFC 4954, RFC 4616) as exchanges of challenges and answers."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Generator, Mapping

Exchange = Generator[bytes, bytes, tuple[str, str]]
"""Yields challenges, is sent the peer's answers, returns name and password."""


class Unreadable(Exception):
    """The answer is not what the mechanism says."""


class Aborted(Exception):
    """The peer broke off the exchange."""


def plain(initial: bytes) -> Exchange:
    answer = _decode(initial or (yield b"334 \r\n"))
    parts = answer.split("\0")
    if len(parts) != 3 or parts[0] not in {"", parts[1]}:
        raise Unreadable
    return parts[1], parts[2]


def login(initial: bytes) -> Exchange:
    name = _decode(initial or (yield _challenge(b"Username:")))
    return name, _decode((yield _challenge(b"Password:")))


MECHANISMS: dict[bytes, Callable[[bytes], Exchange]] = {b"PLAIN": plain, b"LOGIN": login}


def is_known(users: Mapping[str, str], name: str, password: str) -> bool:
    """Whether the password is right; it takes as long when there is no such user."""
    expected = users.get(name, "")
    same = hmac.compare_digest(expected.encode(), password.encode())
    return same and name in users and bool(expected)


def _challenge(text: bytes) -> bytes:
    return b"334 " + b64encode(text) + b"\r\n"


def _decode(answer: bytes) -> str:
    if answer == b"*":
        raise Aborted
    try:
        return b64decode(b"" if answer == b"=" else answer, validate=True).decode()
    except ValueError as error:
        raise Unreadable from error
