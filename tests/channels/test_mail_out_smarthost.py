"""Handing mail to a smarthost, and knowing how far it came when that fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiosmtpd.smtp import Envelope, Session

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from channels.mail_compose import Mail
from channels.relay import Probe, Relay
from channels.smarthost import MAILS_PER_CONNECTION, Patience
from tests.channels.smtp_sink import (
    SECRET,
    Certificates,
    Link,
    made_certificates,
    sink,
    smarthost,
)
from tests.strangers import served

MAIL = Mail("", ("yuki@example.jp",), b"Subject: x\r\n\r\n.\r\n..dots\r\n", "name")
PROBE = Probe("support@example.com", "support+check@example.com")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return made_certificates(tmp_path_factory.mktemp("tls"))


async def test_a_mail_arrives_octet_for_octet_with_its_envelope() -> None:
    """Dots included (RFC 5321 section 4.5.2); the relay's reply is its name for the mail."""
    async with sink() as (it, port), smarthost(port) as out:
        assert await out.deliver(MAIL) == "2.0.0 queued as 1"
    [envelope] = it.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("<>", ["yuki@example.jp"])
    assert envelope.content == MAIL.data


async def test_connections_are_few_and_used_again() -> None:
    async with sink() as (it, port), smarthost(port, "tls=none&connections=3") as out:
        await asyncio.gather(*(out.deliver(MAIL) for _ in range(30)))
    assert len(it.mails) == 30
    assert it.connections <= 3


async def test_a_connection_retires_after_its_share_of_mails() -> None:
    """Some relays end a session after so many; we are first."""
    async with sink() as (it, port), smarthost(port) as out:
        for _ in range(MAILS_PER_CONNECTION + 1):
            await out.deliver(MAIL)
    assert it.connections == 2


async def test_an_idle_connection_is_closed_politely() -> None:
    async with sink() as (it, port), smarthost(port, patience=Patience(idle=0.01)) as out:
        await out.deliver(MAIL)
        await asyncio.wait_for(it.closed.wait(), 60)
        await out.deliver(MAIL)
    assert it.connections == 2


@pytest.mark.parametrize("goodbye", ["hang up", "421 4.4.2 idle for too long"])
async def test_a_connection_that_died_while_idle_costs_nothing(goodbye: str) -> None:
    """The mail was not given, so a new connection takes it."""
    async with sink() as (it, port), smarthost(port) as out:
        await out.deliver(MAIL)
        it.replies = {"MAIL": goodbye}
        assert await out.deliver(MAIL) == "2.0.0 queued as 2"
    assert it.connections == 2


@pytest.mark.parametrize(
    ("verb", "reply", "outcome", "reason"),
    [
        ("MAIL", "451 4.3.0 later", Retry, ""),
        ("MAIL", "421 4.7.0 too many mails", Retry, ""),
        ("MAIL", "553 5.1.8 we do not know this sender", Rejected, "content"),
        ("MAIL", "530 5.7.0 authenticate first", ChannelDown, ""),
        ("MAIL", "hang up", ChannelDown, ""),
        ("RCPT", "450 4.2.0 greylisted", Retry, ""),
        ("RCPT", "550 5.1.1 no such user", Rejected, "address_dead"),
        ("RCPT", "550 5.1.10 null MX", Rejected, "address_dead"),
        ("RCPT", "554 5.7.1 relay access denied", Rejected, "content"),
        ("RCPT", "550 no", Rejected, "content"),
        ("RCPT", "hang up", ChannelDown, ""),
        ("DATA", "452 4.3.1 disk full", Retry, ""),
        ("DATA", "421 4.3.2 going down", Retry, ""),
        ("DATA", "550 5.7.1 looks like spam", Rejected, "content"),
        ("DATA", "550 5.1.1 no such user", Rejected, "address_dead"),
        ("DATA", "354 what?", InDoubt, ""),
        ("DATA", "hang up", InDoubt, ""),
    ],
)
async def test_each_trouble_has_its_end(
    verb: str, reply: str, outcome: type[DeliveryError], reason: str
) -> None:
    """Before the dot the mail was surely not given; after it, without a reply, nobody knows."""
    async with sink() as (it, port), smarthost(port) as out:
        it.replies = {verb: reply}
        with pytest.raises(outcome) as error:
            await out.deliver(MAIL)
        assert type(error.value) is outcome
        assert getattr(error.value, "reason", "") == reason
        assert reply == "hang up" or str(error.value) == reply
        await out.deliver(MAIL)


@pytest.mark.parametrize(
    ("verb", "reply", "whole_domain"),
    [
        ("RCPT", "450 4.4.1 no route to host", True),
        ("RCPT", "451 4.7.1 too many mails", True),
        ("RCPT", "450 try again", True),
        ("RCPT", "452 4.2.2 mailbox full", False),
        ("RCPT", "450 4.1.1 not verified yet", False),
        ("RCPT", "451 4.7.1 Greylisting in action", False),
        ("RCPT", "450 4.7.1 <a@b>: Recipient address rejected: gray-listed", False),
        ("RCPT", "421 4.3.2 going down", False),
        ("MAIL", "451 4.7.1 later", False),
        ("DATA", "451 4.7.1 later", False),
    ],
)
async def test_a_domain_is_told_from_a_mailbox(verb: str, reply: str, whole_domain: bool) -> None:
    """A full mailbox or a greylisted pair is no reason for others to wait."""
    async with sink() as (it, port), smarthost(port) as out:
        it.replies = {verb: reply}
        with pytest.raises(Retry) as error:
            await out.deliver(MAIL)
    assert error.value.whole_domain is whole_domain


async def test_one_refused_recipient_keeps_the_mail_from_all() -> None:
    """So that no one gets it twice; the connection goes on to the next mail."""
    mail = MAIL._replace(recipients=("yuki@example.jp", "gone@example.jp"))
    async with sink() as (it, port), smarthost(port) as out:
        it.replies = {"RCPT gone@example.jp": "550 5.1.1 gone@example.jp has left"}
        with pytest.raises(Rejected, match=r"gone@example\.jp") as error:
            await out.deliver(mail)
        assert error.value.recipient == "gone@example.jp"
        await out.deliver(MAIL)
    assert [envelope.rcpt_tos for envelope in it.mails] == [["yuki@example.jp"]]
    assert it.connections == 1


@pytest.mark.parametrize(
    ("reply", "after"),
    [
        ("450 4.2.0 greylisted, come back in 300 seconds", timedelta(minutes=5)),
        ("450 4.2.0 try again in 2 hours", timedelta(hours=2)),
        ("451 4.7.1 wait 10 min", timedelta(minutes=10)),
        ("451 4.7.1 come back in 9999 hours", timedelta(days=1)),
        ("450 4.2.0 greylisted", None),
    ],
)
async def test_a_relay_may_say_when_to_come_back(reply: str, after: timedelta | None) -> None:
    async with sink() as (it, port), smarthost(port) as out:
        it.replies = {"RCPT": reply}
        with pytest.raises(Retry) as error:
            await out.deliver(MAIL)
    assert error.value.after == after


async def test_nobody_there_is_a_channel_that_is_down() -> None:
    async with sink() as (_, port):
        pass
    async with smarthost(port) as out:
        with pytest.raises(ChannelDown, match=f"127.0.0.1:{port}"):
            await out.deliver(MAIL)


async def test_a_greeting_that_turns_us_away_leaves_no_connection_open() -> None:
    async with sink() as (it, port), smarthost(port) as out:
        it.replies = {"EHLO": "554 5.7.1 not from here"}
        with pytest.raises(ChannelDown, match="not from here"):
            await out.deliver(MAIL)
        await asyncio.wait_for(it.closed.wait(), 60)
        await out.deliver(MAIL)
    assert it.connections == 2


async def test_one_failed_attempt_speaks_for_all_who_waited() -> None:
    """Else twenty mails would wait for twenty timeouts in turn."""
    attempts = 0

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        await reader.read()
        writer.close()

    async with (
        served(mute) as port,
        smarthost(port, "tls=none&connections=2", patience=Patience(connect=0.05)) as out,
    ):
        ends = await asyncio.gather(*(out.deliver(MAIL) for _ in range(20)), return_exceptions=True)
    assert {type(end) for end in ends} == {ChannelDown}
    assert attempts <= 2


@pytest.mark.parametrize(
    ("verb", "patience", "outcome"),
    [
        ("RCPT", Patience(command=0.05), ChannelDown),
        ("RCPT", Patience(offer=0.2), ChannelDown),
        ("DATA", Patience(reply=0.05), InDoubt),
    ],
)
async def test_a_relay_that_falls_silent_is_left(
    verb: str, patience: Patience, outcome: type[DeliveryError]
) -> None:
    """And what that means depends on the dot."""
    async with sink() as (it, port), smarthost(port, patience=patience) as out:
        silence = asyncio.Event()

        async def silent(*_: object) -> str:
            await silence.wait()
            return "250 too late"

        setattr(it, f"handle_{verb}", silent)
        with pytest.raises(DeliveryError) as error:
            await out.deliver(MAIL)
        assert type(error.value) is outcome
        silence.set()


async def test_a_cancelled_delivery_never_leaves_its_connection_to_the_next() -> None:
    async with sink() as (it, port), smarthost(port, "tls=none&connections=1") as out:
        reached = asyncio.Event()
        take = it.handle_DATA

        async def slow(server: Link, session: Session, envelope: Envelope) -> str:
            reached.set()
            await asyncio.Event().wait()
            return await take(server, session, envelope)

        it.handle_DATA = slow  # type: ignore[method-assign]  # a test double of one method
        task = asyncio.create_task(out.deliver(MAIL))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        it.handle_DATA = take  # type: ignore[method-assign]  # and back again
        assert await out.deliver(MAIL) == "2.0.0 queued as 1"
    assert it.connections == 2


async def test_the_fifth_failpoint_lies_between_the_dot_and_the_reply() -> None:
    """Who dies there has given the mail and does not know it."""

    def die(name: str) -> None:
        raise SystemError(name)

    async with sink() as (it, port), smarthost(port, failpoint=die) as out:
        with pytest.raises(SystemError, match="F5"):
            await out.deliver(MAIL)
        await asyncio.wait_for(it.took.wait(), 60)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_password_travels_encrypted(certificates: Certificates, tls: str) -> None:
    query = f"tls={tls}&ca_file={certificates.ca_file}"
    async with (
        sink(certificates.server, implicit=tls == "implicit") as (it, port),
        smarthost(port, query, user="us@example.com", password=SECRET) as out,
    ):
        await out.deliver(MAIL)
        await out.check(PROBE)
    assert it.logins == [(b"us@example.com", SECRET.encode())] * 2
    assert len(it.mails) == 1


async def test_a_refused_password_is_told_without_saying_it(certificates: Certificates) -> None:
    """Nor anything that the server said about it."""
    query = f"tls=starttls&ca_file={certificates.ca_file}"
    async with (
        sink(certificates.server) as (it, port),
        smarthost(port, query, user="us@example.com", password="wrong-pass-word") as out,
    ):
        with pytest.raises(ChannelDown, match=r"refused user or password \(535\)") as error:
            await out.deliver(MAIL)
    assert "wrong-pass-word" not in str(error.value)
    assert not it.mails


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_that_nobody_vouches_for_stops_everything(
    certificates: Certificates, tls: str
) -> None:
    """No mail and no password goes to whoever answers."""
    async with (
        sink(certificates.server, implicit=tls == "implicit") as (it, port),
        smarthost(port, f"tls={tls}", user="us", password=SECRET) as out,
    ):
        with pytest.raises(ChannelDown, match="certificate verify failed"):
            await out.deliver(MAIL)
    assert not it.mails
    assert not it.logins


async def test_encryption_that_is_not_offered_is_not_done_without() -> None:
    async with sink() as (it, port), smarthost(port, "tls=starttls") as out:
        with pytest.raises(ChannelDown, match="STARTTLS"):
            await out.deliver(MAIL)
    assert not it.mails


async def test_addresses_beyond_ascii_need_a_relay_that_takes_them() -> None:
    """RFC 6531 section 3.2: never squeezed through, and never lost silently."""
    mail = MAIL._replace(
        recipients=("用户@example.jp",), data="To: 用户@example.jp\r\n\r\n".encode()
    )
    async with sink(enable_SMTPUTF8=True) as (it, port), smarthost(port) as out:
        await out.deliver(mail)
    assert it.mails[0].rcpt_tos == ["用户@example.jp"]
    assert {"SMTPUTF8", "BODY=8BITMIME"} <= set(it.mails[0].mail_options)
    async with sink() as (it, port), smarthost(port) as out:
        with pytest.raises(Rejected, match="SMTPUTF8"):
            await out.deliver(mail)
    assert not it.mails


@pytest.mark.parametrize(
    ("url", "port", "tls"),
    [
        ("smtp://mail.example.com", 587, "starttls"),
        ("smtp://mail.example.com:465", 465, "implicit"),
        ("smtp://mail.example.com?tls=implicit", 465, "implicit"),
        ("smtp://mail.example.com:2525?tls=none", 2525, "none"),
        ("smtp://localhost", 25, "none"),
        ("smtp://[::1]:2525", 2525, "none"),
    ],
)
def test_a_relay_is_spoken_to_in_secret_unless_it_is_this_machine(
    url: str, port: int, tls: str
) -> None:
    relay = Relay.parse(url, "")
    assert (relay.port, relay.tls) == (port, tls)


def test_a_user_may_be_an_address() -> None:
    assert Relay.parse("smtp://us@example.com@localhost:25", "x").user == "us@example.com"
    assert Relay.parse("smtp://us%40example.com@localhost:25", "x").user == "us@example.com"


def test_a_password_is_not_printed_with_what_holds_it() -> None:
    assert SECRET not in repr(Relay.parse("smtp://us@localhost", SECRET))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("smtp://us@mail.example.com", "wants a `password` for us"),
        ("smtp://us:secret@mail.example.com", "a password has its own key"),
        ("smtp://mail.example.com?tls=maybe", "tls=maybe: say none, starttls or implicit"),
        ("smtp://mail.example.com?ca_file=/no/such", "ca_file /no/such: No such file"),
        ("smtp://mail.example.com?connections=0", "connections=0: say a number from 1"),
        ("smtp://mail.example.com?verify=no", "'verify' is not an option of a smarthost"),
        ("smtp://mail.example.com:smtp", "Port could not be cast"),
    ],
)
def test_a_way_that_cannot_be_gone_is_told_at_once(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Relay.parse(url, "")
