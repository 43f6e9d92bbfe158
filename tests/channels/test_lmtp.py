"""LMTP: one reply per recipient after the mail (RFC 2033 section 4.2)."""

from __future__ import annotations

import asyncio
import smtplib
from pathlib import Path

from channels.base import Receipt, Unavailable
from channels.lmtp import Lmtp
from normalizer.message import Envelope
from tests.channels.smtp_peer import MAIL, OURS, desk


async def test_p17_each_accepted_recipient_has_its_reply(tmp_path: Path) -> None:
    async with desk(tmp_path, kind=Lmtp, addresses=[OURS, "sales@example.com"]) as running:
        peer = await (await running.peer()).mailed("LHLO")
        for recipient, code in [
            (OURS, "250"),
            ("nobody@example.com", "550"),
            ("sales@example.com", "250"),
        ]:
            assert (await peer.say(f"RCPT TO:<{recipient}>")).startswith(code)
        await peer.say("DATA")
        await peer.send(MAIL + b".\r\nNOOP\r\n")
        replies = [await peer.reply() for _ in range(3)]
    (envelope,) = running.gateway.envelopes
    assert replies == [f"250 2.0.0 queued as {envelope.unit}\r\n"] * 2 + ["250 2.0.0 ok\r\n"]
    assert envelope.transport.recipients == (OURS, "sales@example.com")


async def test_trouble_is_told_for_each_recipient(tmp_path: Path) -> None:
    async def accept(_: Envelope) -> Receipt:
        raise Unavailable

    async with desk(tmp_path, kind=Lmtp, accept=accept) as running:
        peer = await (await running.peer()).in_content(OURS, OURS, verb="LHLO")
        await peer.send(MAIL + b".\r\n")
        assert [(await peer.reply())[:9] for _ in range(2)] == ["451 4.3.0"] * 2


async def test_a_broken_mail_is_refused_for_each_recipient(tmp_path: Path) -> None:
    async with desk(tmp_path, kind=Lmtp) as running:
        peer = await (await running.peer()).in_content(OURS, OURS, verb="LHLO")
        await peer.send(b"a\nb\r\n.\r\n")
        assert [(await peer.reply())[:9] for _ in range(2)] == ["550 5.5.2"] * 2


async def test_smtp_greetings_are_not_lmtp(tmp_path: Path) -> None:
    async with desk(tmp_path, kind=Lmtp) as running:
        peer = await (await running.peer()).greeted()
        for line in ("EHLO x", "HELO x"):
            assert (await peer.say(line)).startswith("500 5.5.1")


async def test_a_real_client_delivers(tmp_path: Path) -> None:
    def deliver(port: int) -> None:
        with smtplib.LMTP("127.0.0.1", port, local_hostname="relay.example") as client:
            client.sendmail("yuki@example.jp", [OURS], MAIL)

    async with desk(tmp_path, kind=Lmtp) as running:
        await asyncio.to_thread(deliver, running.port)
        assert running.gateway.envelopes[0].raw == MAIL
