"""The milter protocol, against a peer that follows a script; real ones are in test_filters_real.py."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.config.spam import Socket
from gateway.spam.milter import BadAnswer, Said, ask
from normalizer.message import Envelope, Transport
from tests.making import envelope
from tests.strangers import Talk, served

RAW = b"From: a@x.jp\r\nSubject: one\r\n two\r\n\r\nThe body.\r\n"
WIRE = Transport(
    peer="192.0.2.9", helo="mx.example", sender="a@x.jp", recipients=("b@x.jp", "c@x.jp")
)
Answers = dict[bytes, list[bytes]]


def packet(data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + data


@dataclass
class Script:
    """A milter that wants these steps left out and gives these answers; else it says: go on."""

    flags: int = 0
    version: int = 6
    unanswered: bytes = b""
    answers: Answers = field(default_factory=dict)
    heard: list[bytes] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                (size,) = struct.unpack("!I", await reader.readexactly(4))
            except asyncio.IncompleteReadError:
                break
            data = await reader.readexactly(size)
            self.heard.append(data)
            for answer in self._answers(data[:1]):
                writer.write(packet(answer))
        writer.close()

    def _answers(self, command: bytes) -> list[bytes]:
        if command == b"O":
            return [b"O" + struct.pack("!III", self.version, 0x11, self.flags)]
        if command in b"DQ" + self.unanswered:
            return []
        return self.answers.get(command, [b"c"])

    def commands(self) -> bytes:
        return b"".join(data[:1] for data in self.heard)


@asynccontextmanager
async def listening(script: Talk) -> AsyncIterator[Socket]:
    async with served(script) as port:
        yield Socket.parse(f"inet:127.0.0.1:{port}")


async def said(script: Script, one: Envelope | None = None, raw: bytes = RAW) -> Said:
    async with listening(script) as at:
        return await ask(at, "mx.example", one or envelope(raw, transport=WIRE), raw)


async def test_a_mail_is_told_step_by_step() -> None:
    script = Script()
    assert await said(script) == Said("")
    assert script.commands().rstrip(b"Q") == b"ODCHDMRRTLLNBE"
    by = {data[:1]: data[1:] for data in script.heard}
    assert by[b"C"] == b"[192.0.2.9]\x004\x00\x00192.0.2.9\x00"
    assert by[b"M"] == b"<a@x.jp>\x00"
    assert by[b"L"] == b"Subject\x00one\n two\x00"
    assert by[b"B"] == b"The body.\r\n"


async def test_steps_that_the_milter_does_not_want_are_left_out() -> None:
    script = Script(flags=0x01 | 0x02 | 0x20 | 0x10 | 0x200)
    await said(script)
    assert script.commands().rstrip(b"Q") == b"ODDMRRNE"


async def test_answers_that_the_milter_leaves_out_are_not_waited_for() -> None:
    script = Script(flags=0xFF080, unanswered=b"CHMRTLNB", answers={b"E": [b"c"]})
    assert await said(script) == Said("")


async def test_an_old_version_knows_no_data() -> None:
    script = Script(version=2)
    await said(script)
    assert b"T" not in script.commands()


@pytest.mark.parametrize("step", [b"C", b"M", b"R", b"L", b"B", b"E"])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"r", "reject"),
        (b"d", "discard"),
        (b"y550 5.7.1 spam\x00", "reject with 550"),
        (b"y451 4.7.1 later\x00", ""),
        (b"t", ""),
        (b"a", ""),
    ],
)
async def test_a_decision_ends_the_talk_at_any_step(
    step: bytes, answer: bytes, reason: str
) -> None:
    script = Script(answers={step: [answer]})
    assert (await said(script)).reason == reason
    assert script.commands().rstrip(b"Q").endswith(step)


async def test_quarantine_and_added_headers_are_heard_before_the_end() -> None:
    changes = [
        b"p",
        b"hX-Spam-Flag\x00YES\x00",
        b"i\x00\x00\x00\x01X-Spam-Level\x00***\x00",
        b"m\x00\x00\x00\x01Subject\x00[SPAM]\x00",
        b"+<d@x.jp>\x00",
        b"qlooks bad\x00",
        b"c",
    ]
    heard = await said(Script(answers={b"E": changes}))
    assert heard.reason == "quarantine"
    assert heard.added[:2] == (("x-spam-flag", "YES"), ("x-spam-level", "***"))


async def test_a_milter_that_has_seen_enough_of_the_body_gets_no_more() -> None:
    script = Script(answers={b"B": [b"s"]})
    await said(script, raw=RAW + b"x" * 200_000)
    assert script.commands().count(b"B") == 1


async def test_a_mail_that_was_fetched_has_an_unknown_peer_and_goes_to_somebody() -> None:
    script = Script()
    await said(script, envelope(RAW, transport=Transport(sender="<>")))
    by = {data[:1]: data[1:] for data in script.heard}
    assert (by[b"C"], by[b"M"]) == (b"localhost\x00U", b"<>\x00")
    assert by[b"R"] == b"<postmaster@mx.example>\x00"


@pytest.mark.parametrize("size", [0, 2**31])
async def test_what_is_no_milter_is_told_from_one(size: int) -> None:
    async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(struct.pack("!I", size) + b"SSH-2.0")
        writer.close()

    async with listening(chatter) as at:
        with pytest.raises(BadAnswer):
            await ask(at, "mx.example", envelope(RAW), RAW)
