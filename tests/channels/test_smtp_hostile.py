"""Peers that mean harm or know no better: smuggling, floods, slowness, vanishing."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.channels.smtp_peer import MAIL, OURS, desk

SMUGGLED = b"MAIL FROM:<evil@x.example>\r\nRCPT TO:<support@example.com>\r\nDATA\r\nevil\r\n.\r\n"
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "fake_end",
    [
        pytest.param(b"\n.\r\n", id="P02"),
        pytest.param(b"\r.\r", id="P03"),
        pytest.param(b"\n.\n", id="P04"),
        pytest.param(b"\r.\r\n", id="P05"),
        pytest.param(b"\r\n.\n", id="P06"),
        pytest.param(b"\r\n\0.\r\n", id="P07"),
        pytest.param(b"\r\n.\r", id="CRLF-dot-CR"),
    ],
)
async def test_a_fake_end_never_makes_two_mails(tmp_path: Path, fake_end: bytes) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).in_content()
        assert (await peer.say(MAIL + b"text" + fake_end + SMUGGLED)).startswith("550 5.5.2")
        assert (await peer.say("NOOP")).startswith("250")
        assert running.gateway.envelopes == []


@pytest.mark.parametrize("line", [b"EHLO x\nMAIL FROM:<a@b.example>\r\n", b"NOOP\n"])
async def test_p08_a_command_that_ends_in_a_bare_lf_ends_the_connection(
    tmp_path: Path, line: bytes
) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).greeted()
        assert (await peer.say(line)).startswith("521 5.5.2")
        assert await peer.rest() == ""


async def test_p10_who_talks_before_the_greeting_is_refused(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        sock = socket.create_connection(("127.0.0.1", running.port))
        sock.sendall(b"EHLO x\r\n")  # before the loop turns and the greeting is sent
        peer = await running.peer(sock=sock)
        assert (await peer.rest()).startswith("554 5.5.1")


@pytest.mark.parametrize(
    "group", [b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n", b"DATA\r\nevil\r\n.\r\n"]
)
async def test_p10_who_does_not_await_a_reply_that_matters_is_refused(
    tmp_path: Path, group: bytes
) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).addressed()
        assert (await peer.say(group)).startswith("554 5.5.0")
        assert await peer.rest() == ""


@pytest.mark.parametrize("length", [5_000, 100_000])
async def test_p15_a_long_line_arrives_byte_exact(tmp_path: Path, length: int) -> None:
    body = b"Subject: long\r\n\r\n" + os.urandom(length // 2).hex().encode() + b"\r\n"
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).in_content()
        assert (await peer.say(body + b".\r\n")).startswith("250")
        assert running.gateway.envelopes[0].raw == body


@pytest.mark.parametrize(
    "line", [b"\0\0\0", bytes(range(0x80, 0x100)), b"NO\0OP", b"EHLO a\0b", b"MAIL FROM:<a\xff@b>"]
)
async def test_p20_odd_octets_in_a_command_are_an_error_and_no_more(
    tmp_path: Path, line: bytes
) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).helloed()
        assert re.match(r"50[01] 5\.\d\.\d ", await peer.say(line + b"\r\n"))
        assert (await peer.say("NOOP")).startswith("250")


async def test_p20_a_command_of_100_kb_is_one_error(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).helloed()
        assert (await peer.say("NOOP " + "x" * 100_000)).startswith("500 5.5.2")
        assert (await peer.say("NOOP")).startswith("250")


@pytest.mark.parametrize("line", [b"NOOP\r\n", b"RSET\r\n", b"BOGUS\r\n", b"\r\n"])
async def test_p20_a_thousand_idle_commands_end_in_421(tmp_path: Path, line: bytes) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).helloed()
        await peer.send(line * 1000)
        replies = (await peer.rest()).splitlines()
    assert replies[-1].startswith("421 4.7.0")
    assert len(replies) <= 102


async def test_too_large_is_said_after_the_mail_and_the_session_goes_on(tmp_path: Path) -> None:
    async with desk(tmp_path, max_size=1000) as running:
        peer = await (await running.peer()).in_content()
        assert (await peer.say(b"x" * 998 + b"\r\ny\r\n.\r\n")).startswith("552 5.3.4")
        for line in ("MAIL FROM:<>", f"RCPT TO:<{OURS}>"):
            assert (await peer.say(line)).startswith("250")
        await peer.say("DATA")
        assert (await peer.say(b"x" * 998 + b"\r\n.\r\n")).startswith("250")


async def test_a_mail_without_end_is_cut_off(tmp_path: Path) -> None:
    async with desk(tmp_path, max_size=1000) as running:
        peer = await (await running.peer()).in_content()
        await peer.send(b"x" * 100_000)
        assert (await peer.rest()).startswith("552 5.3.4")


async def test_peers_beyond_the_limits_get_421_while_others_are_served(tmp_path: Path) -> None:
    async with desk(tmp_path, max_connections=3, max_connections_per_peer=2) as running:
        first, second = await running.peer(), await running.peer()
        await first.greeted()
        await second.greeted()
        assert (await (await running.peer()).rest()).startswith("421 4.7.0")
        other = await running.peer(local_addr=("127.0.0.9", 0))
        await other.greeted()
        assert (await (await running.peer(local_addr=("127.0.0.10", 0))).rest())[:9] == "421 4.3.2"
        assert (await first.say("NOOP")).startswith("250")
        await second.say("QUIT")
        await second.rest()
        await (await running.peer()).greeted()


async def test_memory_in_flight_is_bounded(tmp_path: Path) -> None:
    async with desk(tmp_path, max_in_flight="256 KiB") as running:
        busy = await (await running.peer()).in_content()
        other = await (await running.peer()).addressed()
        assert (await other.say("DATA")).startswith("452 4.3.1")
        assert (await busy.say(MAIL + b".\r\n")).startswith("250")
        assert (await other.say("DATA")).startswith("354")


async def test_memory_is_given_back_when_a_peer_vanishes(tmp_path: Path) -> None:
    async with desk(tmp_path, max_in_flight="256 KiB") as running:
        gone = await (await running.peer()).in_content()
        await gone.close()
        other = await (await running.peer()).addressed()
        while (reply := await other.say("DATA")).startswith("452"):
            pass
        assert reply.startswith("354")


async def test_a_slow_sender_gets_421(tmp_path: Path) -> None:
    async with desk(tmp_path, data_window=0.1, min_data_rate=1000) as running:
        peer = await (await running.peer()).in_content()
        await peer.send(b"x")
        assert (await peer.rest()).startswith("421 4.4.2")


async def test_silence_gets_421(tmp_path: Path) -> None:
    async with desk(tmp_path, timeout=1) as running:
        peer = await (await running.peer()).greeted()
        await peer.send(b"NOO")  # half a command is no command
        assert (await peer.rest()).startswith("421 4.4.2")


async def test_a_peer_that_reads_nothing_is_not_listened_to(tmp_path: Path) -> None:
    lines = b"RCPT TO:<%s@example.com>\r\n" % (b"n" * 40) * 1000

    def flood(port: int) -> int:
        written = 0
        with socket.create_connection(("127.0.0.1", port)) as sock, suppress(TimeoutError):
            sock.recv(100)
            sock.settimeout(0.5)
            while written < 100 * 2**20:
                written += sock.send(lines)
        return written

    async with desk(tmp_path, max_bad_commands=10_000_000) as running:
        assert await asyncio.to_thread(flood, running.port) < 100 * 2**20


D17 = """
import asyncio, resource, socket, sys, tempfile, uvloop
from pathlib import Path
from channels.base import Host, Receipt
from channels.smtp import Smtp

async def accept(envelope): return Receipt(1, "accepted")

async def main():
    table = dict(name="m", type="smtp", addresses=["a@b.example"], send="maildir:x", listen="127.0.0.1:0")
    channel = Smtp(Smtp.Settings(**table), Host("mx", Path(tempfile.mkdtemp())))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    receiving = asyncio.create_task(channel.receive(accept))
    while not channel.ready: await asyncio.sleep(0)
    print(channel.bound[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    receiving.cancel()

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    try: runner.run(main())
    except asyncio.CancelledError: pass
"""


def test_d17_running_out_of_files_is_survived() -> None:
    daemon = subprocess.Popen(
        [sys.executable, "-c", D17],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert daemon.stdout is not None
    port = int(daemon.stdout.readline())
    crowd = [connect(port) for _ in range(200)]
    codes = [sock.recv(9)[:3] for sock in crowd]
    assert set(codes) == {b"220", b"421"}
    assert codes.count(b"220") >= 20
    for sock in crowd:
        sock.close()
    assert eventually_greeted(port)
    _, errors = daemon.communicate(timeout=20)
    assert (daemon.returncode, errors) == (0, b"")


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def eventually_greeted(port: int) -> bool:
    for _ in range(200):
        with connect(port) as sock:
            if sock.recv(9).startswith(b"220"):
                return True
    return False
