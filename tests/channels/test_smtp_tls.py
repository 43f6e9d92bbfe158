"""Encryption, logging in, and proxies: who the peer is and who may overhear it."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
import struct
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiosmtpd.proxy_protocol import V2_SIGNATURE
from pydantic import ValidationError

from channels.smtp import Smtp
from tests.channels.smtp_peer import MAIL, OURS, Desk, certificate, desk

USERS = {"yuki": "correct horse"}
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return certificate(tmp_path_factory.mktemp("tls"))


def trust(tls: dict[str, Any]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=tls["certificate"])


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("mode", ["starttls", "implicit"])
def test_a_mail_under_tls_by_somebody_who_logged_in(
    tmp_path: Path, tls: dict[str, Any], mode: str, loop: str
) -> None:
    def deliver(port: int) -> None:
        with connect(mode, port, tls) as client:
            client.login("yuki", "correct horse")
            client.sendmail("yuki@example.jp", [OURS], MAIL)

    async def scenario() -> None:
        settings = tls | {"tls": mode, "users": USERS, "auth_required": True}
        async with desk(tmp_path, **settings) as running:
            await asyncio.to_thread(deliver, running.port)
            (envelope,) = running.gateway.envelopes
        assert envelope.raw == MAIL
        assert envelope.transport.user == "yuki"
        assert envelope.transport.tls.startswith("TLSv1.")

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(scenario())


def connect(mode: str, port: int, tls: dict[str, Any]) -> smtplib.SMTP:
    if mode == "implicit":
        return smtplib.SMTP_SSL("localhost", port, context=trust(tls), local_hostname="x")
    client = smtplib.SMTP("localhost", port, local_hostname="x")
    client.starttls(context=trust(tls))
    return client


async def test_what_is_said_behind_starttls_in_the_clear_never_counts(
    tmp_path: Path, tls: dict[str, Any]
) -> None:
    async with desk(tmp_path, tls="starttls", **tls) as running:
        peer = await (await running.peer()).helloed()
        assert (await peer.say(b"STARTTLS\r\nMAIL FROM:<evil@x.example>\r\n"))[:9] == "554 5.5.0"
        assert await peer.rest() == ""


async def test_after_starttls_the_session_begins_anew(tmp_path: Path, tls: dict[str, Any]) -> None:
    async with desk(tmp_path, tls="starttls", **tls) as running:
        peer = await (await running.peer()).helloed()
        assert (await peer.say("STARTTLS")).startswith("220")
        await peer.writer.start_tls(trust(tls), server_hostname="localhost")
        assert (await peer.say("MAIL FROM:<a@b.example>")).startswith("503 5.5.1")
        assert "STARTTLS" not in await peer.say("EHLO x")
        assert (await peer.say("STARTTLS")).startswith("503 5.5.1")


async def test_a_handshake_that_is_none_ends_the_connection_only(
    tmp_path: Path, tls: dict[str, Any]
) -> None:
    async with desk(tmp_path, tls="implicit", **tls) as running:
        peer = await running.peer()
        await peer.send(b"EHLO x\r\n" * 10)
        await peer.reader.read()
        client = await asyncio.to_thread(connect, "implicit", running.port, tls)
        await asyncio.to_thread(client.quit)


async def test_mail_waits_for_tls_and_for_a_login_where_they_are_required(
    tmp_path: Path, tls: dict[str, Any]
) -> None:
    settings: dict[str, Any] = {"tls": "starttls", "users": USERS, "auth_required": True}
    async with desk(tmp_path, tls_required=True, **settings, **tls) as running:
        peer = await (await running.peer()).helloed()
        assert (await peer.say("MAIL FROM:<a@b.example>")).startswith("530 5.7.0 STARTTLS")
        assert (await peer.say("AUTH PLAIN AHl1a2kAeA==")).startswith("538 5.7.11")
        await peer.say("STARTTLS")
        await peer.writer.start_tls(trust(tls), server_hostname="localhost")
        assert "AUTH PLAIN LOGIN" in await peer.say("EHLO x")
        assert (await peer.say("MAIL FROM:<a@b.example>")).startswith("530 5.7.0 AUTH")


def plain(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["AUTH PLAIN " + plain("\0yuki\0correct horse")], "235 2.7.0"),
        (["auth plain", plain("\0yuki\0correct horse")], "235 2.7.0"),
        (["AUTH PLAIN " + plain("yuki\0yuki\0correct horse")], "235 2.7.0"),
        (["AUTH PLAIN " + plain("boss\0yuki\0correct horse")], "501 5.5.2"),
        (["AUTH PLAIN " + plain("\0yuki\0wrong")], "535 5.7.8"),
        (["AUTH PLAIN " + plain("\0nobody\0")], "535 5.7.8"),
        (["AUTH PLAIN ="], "501 5.5.2"),
        (["AUTH PLAIN not base64"], "501 5.5.2"),
        (["AUTH LOGIN", plain("yuki"), plain("correct horse")], "235 2.7.0"),
        (["AUTH LOGIN " + plain("yuki"), plain("correct horse")], "235 2.7.0"),
        (["AUTH LOGIN", plain("yuki"), plain("wrong")], "535 5.7.8"),
        (["AUTH LOGIN", "*"], "501 5.7.0"),
        (["AUTH LOGIN", "\xff\xfe"], "501 5.5.2"),
        (["AUTH CRAM-MD5"], "504 5.5.4"),
        (["AUTH"], "504 5.5.4"),
    ],
)
async def test_logging_in(tmp_path: Path, tls: dict[str, Any], lines: list[str], code: str) -> None:
    async with desk(tmp_path, tls="implicit", users=USERS, **tls) as running:
        peer = await (await running.peer(ssl=trust(tls), server_hostname="localhost")).helloed()
        for line in lines[:-1]:
            assert (await peer.say(line)).startswith("334 ")
        assert (await peer.say(lines[-1])).startswith(code)
        assert (await peer.say("MAIL FROM:<a@b.example>")).startswith("250")
        assert (await peer.say("RCPT TO:<victim@elsewhere.example>")).startswith("550 5.7.1")


async def test_guessing_passwords_ends_in_421(tmp_path: Path, tls: dict[str, Any]) -> None:
    async with desk(tmp_path, tls="implicit", users=USERS, **tls) as running:
        peer = await (await running.peer(ssl=trust(tls), server_hostname="localhost")).helloed()
        await peer.send(b"AUTH PLAIN AHl1a2kAeA==\r\n")
        replies = []
        while (reply := await peer.reply()).startswith("535"):
            replies.append(reply)
            await peer.send(b"AUTH PLAIN AHl1a2kAeA==\r\n")
    assert reply.startswith("421 4.7.0")
    assert len(replies) <= 21


def v1(source: str) -> bytes:
    return f"PROXY TCP4 {source} 192.0.2.1 4711 25\r\n".encode()


def v2(source: str, command: int = 0x21) -> bytes:
    addresses = socket.inet_aton(source) + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 1, 25)
    return V2_SIGNATURE + struct.pack("!BBH", command, 0x11, len(addresses)) + addresses


async def peer_seen(running: Desk, header: bytes) -> str:
    peer = await running.peer()
    for octet in header:  # a header may come in any pieces
        await peer.send(bytes([octet]))
    await peer.in_content()
    await peer.say(MAIL + b".\r\n")
    return running.gateway.envelopes[-1].transport.peer


@pytest.mark.parametrize("header", [v1, v2])
async def test_a_trusted_proxy_says_who_connects(
    tmp_path: Path, header: Callable[[str], bytes]
) -> None:
    async with desk(tmp_path, proxy_protocol=True, proxies=["127.0.0.0/8"]) as running:
        assert await peer_seen(running, header("203.0.113.7")) == "203.0.113.7"


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", v2("203.0.113.7", command=0x20)])
async def test_a_proxy_that_speaks_for_itself_is_the_peer(tmp_path: Path, header: bytes) -> None:
    async with desk(tmp_path, proxy_protocol=True, proxies=["127.0.0.1"]) as running:
        assert await peer_seen(running, header) == "127.0.0.1"


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO x\r\n",
        b"PROXY " + b"x" * 200,
        b"PROXY TCP4 a b 1 2\r\n",
        V2_SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
async def test_a_trusted_proxy_without_a_header_is_not_served(
    tmp_path: Path, header: bytes
) -> None:
    async with desk(tmp_path, proxy_protocol=True, proxies=["127.0.0.1"]) as running:
        peer = await running.peer()
        await peer.send(header)
        assert await peer.rest() == ""


async def test_nobody_else_may_say_who_connects(tmp_path: Path) -> None:
    async with desk(tmp_path, proxy_protocol=True, proxies=["10.0.0.0/8"]) as running:
        peer = await (await running.peer()).greeted()
        assert (await peer.say(v1("203.0.113.7"))).startswith("500 5.5.1")


async def test_the_limit_per_peer_counts_those_behind_the_proxy(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"proxy_protocol": True, "proxies": ["127.0.0.1"]}
    async with desk(tmp_path, max_connections_per_peer=1, **settings) as running:
        for source, code in [
            ("203.0.113.7", "220"),
            ("203.0.113.8", "220"),
            ("203.0.113.7", "421"),
        ]:
            peer = await running.peer()
            assert (await peer.say(v1(source))).startswith(code)


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"listen": "2525"}, "HOST:PORT"),
        ({"tls": "starttls"}, "needs certificate and key"),
        ({"users": USERS}, "need tls"),
        ({"auth_required": True, "tls": "starttls", "certificate": "c", "key": "k"}, "needs users"),
        ({"proxy_protocol": True}, "needs proxies"),
        ({"max_size": "much"}, "25 MiB"),
        ({"timeout": "soon"}, "5 minutes"),
    ],
)
def test_settings_that_do_not_fit_say_what_would(settings: dict[str, Any], hint: str) -> None:
    table = {"name": "m", "type": "smtp", "addresses": [OURS], "send": "maildir:x"}
    with pytest.raises(ValidationError, match=hint):
        Smtp.Settings.model_validate(table | {"listen": "127.0.0.1:25"} | settings)
