"""Mails that mean harm by their shape, or are merely huge; none is larger than 25 MiB."""

from __future__ import annotations

from base64 import encodebytes
from collections.abc import Callable
from typing import NamedTuple

LARGEST = 25 * 2**20 - 4096
PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n\r\n"


class Monster(NamedTuple):
    """A shape and how to make its n-th mail: header fields of its own, then the body."""

    name: str
    make: Callable[[int], bytes]


def mail(monster: Monster, number: int) -> bytes:
    """A whole mail, dot-stuffed, with its end-of-data."""
    head = (
        b"From: Monster <monster%d@monsters.example>\r\nTo: <support@example.com>\r\n"
        b"Message-ID: <monster.%d@monsters.example>\r\nMIME-Version: 1.0\r\n"
    ) % (number, number)
    whole = (head + monster.make(number))[:LARGEST]
    return whole.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n"


def _subject(text: bytes) -> bytes:
    return b"Subject: " + text + b"\r\n"


def _nested(number: int) -> bytes:
    levels = [
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (i, i)
        for i in range(20_000)
    ]
    return _subject(b"nested %d" % number) + b"".join(levels) + PLAIN + b"deep"


def _forwarded(number: int) -> bytes:
    level = b"Content-Type: message/rfc822\r\n\r\nSubject: again\r\n"
    return _subject(b"forwarded %d" % number) + level * 10_000 + PLAIN + b"deep"


def _parts(number: int) -> bytes:
    head = b'Content-Type: multipart/mixed; boundary="p"\r\n\r\n'
    return _subject(b"parts %d" % number) + head + b"--p\r\n\r\n\r\n" * 300_000 + b"--p--\r\n"


def _headers(number: int) -> bytes:
    lines = b"".join(b"X-Filler-%d: %s\r\n" % (i, b"f" * 60) for i in range(120_000))
    return _subject(b"headers %d" % number) + lines + PLAIN + b"under a mountain"


def _long_header(number: int) -> bytes:
    folded = b"To: " + b"<a@b.example>,\r\n " * 500_000 + b"<a@b.example>\r\n"
    return _subject(b"long header %d" % number) + folded + PLAIN + b"to half a million"


def _parameters(number: int) -> bytes:
    pieces = b"".join(b";\r\n name*%d*=utf-8''%%41%%42" % i for i in range(40_000))
    return _subject(b"parameters %d" % number) + b"Content-Type: text/plain" + pieces + b"\r\n\r\nx"


def _words(number: int) -> bytes:
    word = b"=?utf-8?B?44GT?=\r\n "
    return _subject(b"%d " % number + word * 200_000 + b"end") + PLAIN + b"words"


def _comments(number: int) -> bytes:
    sender = b"Reply-To: " + b"(" * 500_000 + b"a@b.example\r\n"
    return _subject(b"comments %d" % number) + sender + PLAIN + b"brackets"


def _attachment(number: int) -> bytes:
    data = encodebytes(number.to_bytes(4, "big") * (4_400_000)).replace(b"\n", b"\r\n")
    head = (
        b"Content-Type: application/pdf; name=big.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    return _subject(b"attachment %d" % number) + head + data


def _broken_base64(number: int) -> bytes:
    head = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return _subject(b"broken %d" % number) + head + b"QUJD=*!A\r\n" * 2_000_000


def _text(number: int) -> bytes:
    line = b"The parcel has not come, and nobody answers the telephone there.\r\n"
    return _subject(b"text %d" % number) + PLAIN + line * (20 * 2**20 // len(line))


def _quotes(number: int) -> bytes:
    return _subject(b"quotes %d" % number) + PLAIN + b"On a\r\n" * 1_000_000 + b"> " * 1_000_000


def _page(number: int) -> bytes:
    head = b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    return _subject(b"page %d" % number) + head + b"<div><b>deep\r\n" * 1_000_000


def _one_line(number: int) -> bytes:
    return _subject(b"one line %d" % number) + PLAIN + b"a" * (20 * 2**20)


MONSTERS = (
    Monster("20,000 nested multiparts", _nested),
    Monster("10,000 nested messages", _forwarded),
    Monster("300,000 parts", _parts),
    Monster("120,000 header fields", _headers),
    Monster("a To of 500,000 addresses", _long_header),
    Monster("40,000 parameter pieces", _parameters),
    Monster("200,000 encoded words", _words),
    Monster("500,000 open comments", _comments),
    Monster("a 24 MB attachment", _attachment),
    Monster("20 MB of broken base64", _broken_base64),
    Monster("20 MB of text", _text),
    Monster("a million attributions and quotes", _quotes),
    Monster("a million open tags", _page),
    Monster("one line of 20 MB", _one_line),
)
