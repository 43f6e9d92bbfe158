"""IMAP servers that misbehave, and a line that dies without a word."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from tests.strangers import served

MAIL = b"From: Yuki <yuki@example.jp>\r\nSubject: hello\r\n\r\nHello.\r\n"
GREETING = b"* OK ready\r\n"

Answer = Callable[[bytes], bytes]


def _ok(text: bytes = b"done") -> Answer:
    return lambda tag: tag + b" OK " + text + b"\r\n"


def _said(untagged: bytes) -> Answer:
    return lambda tag: untagged + tag + b" OK done\r\n"


WELL_BEHAVED: dict[bytes, Answer] = {
    b"CAPABILITY": _said(b"* CAPABILITY IMAP4rev1\r\n"),
    b"LOGIN": _ok(b"[CAPABILITY IMAP4rev1] in"),
    b"LIST": _said(b'* LIST () "/" INBOX\r\n'),
    b"NAMESPACE": _said(b'* NAMESPACE (("" "/")) NIL NIL\r\n'),
    b"EXAMINE": _said(b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 2] x\r\n"),
    b"UID SEARCH": _said(b"* SEARCH 1\r\n"),
    b"UID FETCH 1 (RFC822.SIZE INTERNALDATE)": _said(
        b'* 1 FETCH (UID 1 RFC822.SIZE 60 INTERNALDATE "22-Nov-2026 12:00:00 +0900")\r\n'
    ),
    b"UID FETCH 1 (BODY": _said(b"* 1 FETCH (UID 1 BODY[]<0> {%d}\r\n%b)\r\n" % (len(MAIL), MAIL)),
    b"LOGOUT": _said(b"* BYE bye\r\n"),
}


class Script:
    """A server that follows a script. `visits` counts connections, `heard` each command.

    The first connections get what `odd` says for a command, those after `spoilt` of them the
    well-behaved answers. `written` counts the octets that we got rid of.
    """

    def __init__(self, odd: Mapping[bytes, Answer], spoilt: int, greeting: bytes) -> None:
        self.odd, self.spoilt, self.greeting = odd, spoilt, greeting
        self.visits = 0
        self.heard: list[bytes] = []
        self.written = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        is_odd = self.visits <= self.spoilt
        with suppress(ConnectionError):
            await self._write(writer, self.greeting if is_odd else GREETING)
            while line := await reader.readline():
                tag, _, command = line.strip().partition(b" ")
                self.heard.append(command)
                await self._write(writer, self._answer(tag, command, is_odd=is_odd))
        writer.close()

    def _answer(self, tag: bytes, command: bytes, *, is_odd: bool) -> bytes:
        known = {**WELL_BEHAVED, **(self.odd if is_odd else {})}
        found = [name for name in known if command.startswith(name)]
        return known[max(found, key=len)](tag) if found else tag + b" BAD what?\r\n"

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        for start in range(0, len(data), 2**16):
            writer.write(data[start : start + 2**16])
            await writer.drain()
            self.written += len(data[start : start + 2**16])

    def logins(self) -> int:
        return sum(bool(re.match(rb"LOGIN|AUTHENTICATE", command)) for command in self.heard)


@asynccontextmanager
async def script(
    odd: Mapping[bytes, Answer] | None = None, *, spoilt: int = 1, greeting: bytes = GREETING
) -> AsyncIterator[Script]:
    acting = Script(odd or {}, spoilt, greeting)
    async with served(acting.serve) as acting.port:
        yield acting


class Proxy:
    """Between a mailbox and its server; a `dead` line swallows everything and stays open."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.visits = 0
        self._dead: set[int] = set()

    def kill(self) -> None:
        """All lines that are open now die; new ones live."""
        self._dead.update(range(self.visits + 1))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        number = self.visits
        there, back = await asyncio.open_connection("127.0.0.1", self.target)
        pumps = (self._pump(reader, back, number), self._pump(there, writer, number))
        try:
            await asyncio.gather(*pumps)
        finally:
            back.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(2**16):
                if number not in self._dead:
                    writer.write(data)
                    await writer.drain()
        writer.close()


@asynccontextmanager
async def proxy(target: int) -> AsyncIterator[Proxy]:
    line = Proxy(target)
    async with served(line.serve) as line.port:
        yield line
