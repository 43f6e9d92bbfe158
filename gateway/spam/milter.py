"""Asks a milter about a mail, as a mail server would: Sendmail's protocol, versions 2 to 6.

The protocol has no RFC; its packets and flags are those of libmilter's `mfdef.h`.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

from gateway.config.spam import Socket
from normalizer.message import NULL_SENDER, Envelope

_VERSION = 6
_ACTIONS = 0x1FF  # every change of a mail: those that say nothing about spam are passed over
_STEPS = 0x0FFFFF  # every step may be left out and every answer, but headers keep our spelling
_CHUNK = 65535
_LARGEST = 2**20  # octets of one answer
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_NO_DATA = 0x200

# What each command costs: the flag by which a milter leaves it out, and that of an answer left out.
_FLAGS = {
    b"C": (0x01, 0x1000), b"H": (0x02, 0x2000), b"M": (0x04, 0x4000), b"R": (0x08, 0x8000),
    b"T": (_NO_DATA, 0x10000), b"L": (0x20, 0x80), b"N": (0x40, 0x40000), b"B": (0x10, 0x80000),
    b"E": (0, 0),
}  # fmt: skip
_ENDS = frozenset(b"acdrty4f")  # with these a milter has decided; after the last command also "c"


class BadAnswer(Exception):
    """The milter does not speak its protocol."""


class Said(NamedTuple):
    """Why the milter would not take a mail ("" if it would), and the headers that it would add."""

    reason: str
    added: tuple[tuple[str, str], ...] = ()


async def ask(at: Socket, hostname: str, envelope: Envelope, raw: bytes) -> Said:
    """One mail, one connection. Raises OSError, EOFError, BadAnswer; a caller limits the time."""
    reader, writer = await _connect(at)
    try:
        said = await _Talk(reader, writer).run(hostname, envelope, raw)
        writer.write(_packet(b"Q"))
        return said
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _connect(at: Socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if at.at is None:
        return await asyncio.open_unix_connection(at.path)
    return await asyncio.open_connection(*at.at)


class _Talk:
    """One conversation; what is said about the mail gathers in it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._flags = 0
        self._added: list[tuple[str, str]] = []
        self._held = ""

    async def run(self, hostname: str, envelope: Envelope, raw: bytes) -> Said:
        self._flags = await self._negotiate()
        for command, data in _commands(hostname, envelope, raw):
            if (answer := await self._step(command, data)) is not None:
                return Said(_reason(answer) or self._held, tuple(self._added))
        raise BadAnswer

    async def _negotiate(self) -> int:
        offer = struct.pack("!III", _VERSION, _ACTIONS, _STEPS)
        self._writer.write(_packet(b"O", offer))
        answer = await self._read()
        if answer[:1] != b"O" or len(answer) < 13:
            raise BadAnswer
        version, _, flags = struct.unpack("!III", answer[1:13])
        # DATA and what may be left out of it came with later versions.
        return int(flags) | (_NO_DATA if version < 4 else 0)

    async def _step(self, command: bytes, data: bytes) -> bytes | None:
        """Give one command; its answer if it decides about the mail."""
        if command == b"D":
            self._writer.write(_packet(command, data))
            return None
        left_out, unanswered = _FLAGS[command]
        if self._flags & left_out:
            return None
        self._writer.write(_packet(command, data))
        await self._writer.drain()
        if self._flags & unanswered:
            return None
        while True:
            answer = await self._read()
            if answer[0] in _ENDS and not (answer[0] == ord("c") and command != b"E"):
                return answer
            if answer[:1] in {b"c", b"s"}:
                if answer[:1] == b"s":
                    self._flags |= _FLAGS[command][0]  # enough of the body
                return None
            self._note(answer)

    def _note(self, answer: bytes) -> None:
        """A change of the mail; only what says something about spam is kept."""
        kind, data = answer[:1], answer[1:]
        if kind in {b"i", b"m"}:
            kind, data = b"h", data[4:]
        if kind == b"h":
            name, _, value = data.rstrip(b"\0").partition(b"\0")
            text = value.decode("utf-8", "replace")
            self._added.append((name.decode("ascii", "replace").lower(), text))
        elif kind == b"q":
            self._held = "quarantine"

    async def _read(self) -> bytes:
        (size,) = struct.unpack("!I", await self._reader.readexactly(4))
        if not 0 < size <= _LARGEST:
            raise BadAnswer
        return await self._reader.readexactly(size)


def _reason(answer: bytes) -> str:
    """What a decision says about the mail; one for now says nothing."""
    match answer[:1]:
        case b"r":
            return "reject"
        case b"d":
            return "discard"
        case b"y" if answer[1:2] == b"5":
            return f"reject with {answer[1:4].decode('ascii', 'replace')}"
    return ""


def _packet(command: bytes, data: bytes = b"") -> bytes:
    return struct.pack("!I", 1 + len(data)) + command + data


def _text(*values: str) -> bytes:
    return b"".join(v.replace("\0", "").encode("utf-8", "replace") + b"\0" for v in values)


def _commands(hostname: str, envelope: Envelope, raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    wire = envelope.transport
    yield b"D", b"C" + _text("j", hostname, "{daemon_name}", "madoguchi")
    yield b"C", _peer(wire.peer)
    yield b"H", _text(wire.helo or "localhost")
    yield b"D", b"M" + _text("i", envelope.unit, "{auth_authen}", wire.user)
    sender = wire.sender if wire.sender != NULL_SENDER else ""
    yield b"M", _text(f"<{sender}>")
    # libmilter passes over the headers of a mail that nobody gets, and answers nothing.
    for recipient in wire.recipients or (f"postmaster@{hostname}",):
        yield b"R", _text(f"<{recipient}>")
    yield b"T", b""
    head, _, body = raw.replace(b"\r\n", b"\n").replace(b"\0", b"").partition(b"\n\n")
    for name, value in _FIELD.findall(head):
        yield b"L", name + b"\0" + value.strip() + b"\0"
    yield b"N", b""
    content = body.replace(b"\n", b"\r\n")
    for start in range(0, len(content), _CHUNK):
        yield b"B", content[start : start + _CHUNK]
    yield b"E", b""


def _peer(peer: str) -> bytes:
    """The connection; a mail that came without one has an unknown peer."""
    try:
        address = ip_address(peer)
    except ValueError:
        return _text("localhost") + b"U"
    family = b"4" if address.version == 4 else b"6"
    return _text(f"[{peer}]") + family + struct.pack("!H", 0) + _text(str(address))
