"""`check --connect` says in one sentence what is wrong with a smarthost, and what to do."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest
from aiosmtplib import SMTPConnectError

from channels.base import ChannelDown
from channels.relay import Probe, Relay
from channels.relay.why import why_no_session
from channels.smarthost import Patience
from tests.channels.smtp_sink import (
    SECRET,
    Certificates,
    made_certificates,
    sink,
    smarthost,
    stranger,
)
from tests.daemon.servers import free_port

OWN, TAGGED, BOUNCE = (f"support{tag}@example.com" for tag in ("", "+check", "+bounce-check"))
PLAIN = Probe(OWN, TAGGED)
TAGS = PLAIN._replace(tags=True)
BOUNCES = Probe(OWN, TAGGED, BOUNCE, tags=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return made_certificates(tmp_path_factory.mktemp("tls"))


async def test_the_probe_says_what_works_and_sends_nothing() -> None:
    async with sink() as (it, port), smarthost(port) as out:
        said = await out.check(TAGS)
    assert said == (
        f"127.0.0.1:{port} (not encrypted) takes mail from <> and <{OWN}> to {OWN} and {TAGGED}"
    )
    assert not it.mails
    assert it.verbs == ["RSET", "RSET"]


async def test_the_probe_tells_how_it_was_protected_and_as_whom(
    certificates: Certificates,
) -> None:
    query = f"tls=starttls&ca_file={certificates.ca_file}"
    async with (
        sink(certificates.server) as (_, port),
        smarthost(port, query, user="us@example.com", password=SECRET) as out,
    ):
        assert "(STARTTLS, logged in as us@example.com)" in await out.check(PLAIN)


@pytest.mark.parametrize(
    ("replies", "probe", "said"),
    [
        ({"MAIL": "501 5.1.7 a sender please"}, PLAIN, 'say return_path = "bounce"'),
        ({"MAIL": "553 5.7.1 not yours"}, BOUNCES, 'say return_path = "null"'),
        ({"MAIL": "530 5.7.0 log in"}, PLAIN, "wants a log-in: write smtp://USER@HOST:PORT"),
        ({"MAIL": "451 4.3.0 later"}, PLAIN, "try again in some minutes"),
        ({"RCPT": "550 5.1.1 who?"}, PLAIN, "make that address there"),
        ({"RCPT": "554 5.7.1 relay access denied"}, PLAIN, "send through it"),
        ({"RCPT": "530 5.7.0 log in"}, PLAIN, "wants a log-in"),
        ({"RCPT": "450 4.2.0 greylisted"}, PLAIN, "try again in some minutes"),
        ({f"RCPT {TAGGED}": "550 5.1.1 who?"}, TAGS, "say reply_tag = false"),
        (
            {f"RCPT {TAGGED}": "550 5.1.1 who?"},
            BOUNCES,
            'say reply_tag = false and return_path = "null"',
        ),
    ],
)
async def test_each_refusal_names_its_remedy_and_the_server_s_words(
    replies: dict[str, str], probe: Probe, said: str
) -> None:
    async with sink() as (it, port), smarthost(port) as out:
        it.replies = dict(replies)
        with pytest.raises(ChannelDown) as error:
            await out.check(probe)
    [line] = str(error.value).splitlines()
    assert line.startswith(f"127.0.0.1:{port}: ")
    assert said in line
    assert f"({next(iter(replies.values()))})" in line
    assert not it.mails


async def test_a_sender_that_we_may_not_be_is_told() -> None:
    async with sink() as (it, port), smarthost(port) as out:

        async def only_null(*args: object) -> str:
            return "250 fine" if args[3] == "<>" else "553 5.7.1 sender not owned by user"

        it.handle_MAIL = only_null  # type: ignore[method-assign, assignment]  # a double
        with pytest.raises(ChannelDown, match=r"must be allowed to write as support@example\.com"):
            await out.check(PLAIN)


async def test_everything_that_is_wrong_is_told_at_once() -> None:
    async with sink() as (it, port), smarthost(port) as out:
        it.replies = {"MAIL": "501 no", f"RCPT {TAGGED}": "550 no"}
        with pytest.raises(ChannelDown) as error:
            await out.check(TAGS)
    assert len(str(error.value).splitlines()) == 2


async def test_a_tag_that_nobody_needs_is_not_tried() -> None:
    async with sink() as (it, port), smarthost(port) as out:
        it.replies = {f"RCPT {TAGGED}": "550 no"}
        assert TAGGED not in await out.check(PLAIN)


async def test_a_port_where_nothing_listens() -> None:
    async with smarthost(free_port()) as out:
        with pytest.raises(ChannelDown, match="nothing listens there; look at host and port"):
            await out.check(PLAIN)


async def test_a_host_with_several_addresses_that_all_refuse() -> None:
    """`localhost` is 127.0.0.1 and, on most machines, ::1."""
    async with smarthost(free_port(), user="us", password="x") as out:
        with pytest.raises(ChannelDown, match="nothing listens there"):
            await out.check(PLAIN)


async def test_a_server_that_says_nothing() -> None:
    async def mute(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with (
        stranger(mute) as port,
        smarthost(port, patience=Patience(connect=0.05)) as out,
    ):
        with pytest.raises(ChannelDown, match="no answer in time; look at the port"):
            await out.check(PLAIN)


async def test_a_certificate_that_nobody_vouches_for(certificates: Certificates) -> None:
    async with sink(certificates.server) as (_, port), smarthost(port, "tls=starttls") as out:
        with pytest.raises(ChannelDown, match=r"certificate is not good \(self.signed cert"):
            await out.check(PLAIN)


async def test_a_certificate_for_another_name(certificates: Certificates) -> None:
    """As when one writes one's own domain for the hoster's server."""
    query = f"tls=implicit&ca_file={certificates.ca_file}"
    async with sink(certificates.server, implicit=True) as (_, port), smarthost(port, query) as out:
        with pytest.raises(ChannelDown, match="write the host name that the certificate is for"):
            await out.check(PLAIN)


async def test_starttls_that_is_not_offered() -> None:
    async with sink() as (_, port), smarthost(port, "tls=starttls") as out:
        with pytest.raises(ChannelDown, match="offers no STARTTLS; say tls=implicit"):
            await out.check(PLAIN)


async def test_tls_where_the_server_begins_without() -> None:
    async with sink() as (_, port), smarthost(port, "tls=implicit") as out:
        with pytest.raises(ChannelDown, match="does not begin with TLS; say tls=starttls"):
            await out.check(PLAIN)


async def test_a_log_in_that_is_not_offered() -> None:
    async with sink() as (_, port), smarthost(port, user="us", password=SECRET) as out:
        with pytest.raises(ChannelDown, match="offers no log-in that we know; say tls=starttls"):
            await out.check(PLAIN)


async def test_a_log_in_that_is_refused_is_told_by_its_codes_alone() -> None:
    """What the server says may repeat what we sent."""
    async with (
        sink(plain_auth=True) as (_, port),
        smarthost(port, user="us@example.com", password="wrong-pass-word") as out,
    ):
        with pytest.raises(ChannelDown) as error:
            await out.check(PLAIN)
    assert "refuses the log-in of us@example.com (535 5.7.8)" in str(error.value)
    assert "wrong-pass-word" not in str(error.value)


async def test_a_server_that_turns_us_away() -> None:
    async def rude(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.7.1 you are on a list\r\n")

    async with stranger(rude) as port, smarthost(port) as out:
        with pytest.raises(ChannelDown, match=r"turns this machine away \(554 5\.7\.1 you are on"):
            await out.check(PLAIN)


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "the name mail.example.con is not in DNS"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "DNS does not answer"),
        (OSError(errno.ENETUNREACH, "x"), "no way there from this machine"),
        (OSError("Multiple exceptions: [Errno 111] a, [Errno 101] b"), "nothing listens there"),
        (OSError(errno.EPROTO, "x"), "a word of the library"),
    ],
)
def test_what_the_network_said(cause: OSError, said: str) -> None:
    """By its numbers, since no test can have such a network."""
    error = SMTPConnectError("a word of the library")
    error.__cause__ = cause
    relay = Relay.parse("smtp://mail.example.con:587", "")
    assert said in why_no_session(relay, error)


@pytest.mark.parametrize(
    ("port", "said"), [(465, "tls=implicit"), (25, "try 587"), (26, "firewall")]
)
def test_silence_is_told_with_what_the_port_is_known_for(port: int, said: str) -> None:
    relay = Relay.parse(f"smtp://mail.example.com:{port}?tls=starttls", "")
    assert said in why_no_session(relay, TimeoutError())
