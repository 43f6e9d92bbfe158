"""Peers that vanish, ends that come early, files that run out: no mail is lost or doubled."""

from __future__ import annotations

import selectors
import signal
import smtplib
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.bench.host import children
from tests.daemon.servers import (
    Site,
    await_ready,
    daemon,
    launch,
    lay_out,
    ready,
    stop,
    wait_until,
)
from tests.daemon.window import (
    accepted_within,
    acknowledgements,
    bare,
    change,
    mail,
    send,
    stored,
)

pytestmark = pytest.mark.daemon

RECOVERY = 10.0  # seconds within which mail is taken again


def test_more_connections_than_files_are_told_to_come_back(tmp_path: Path) -> None:
    """D17: 200 connections, 64 files."""
    site = lay_out(tmp_path)
    scarce = ("sh", "-c", 'ulimit -n 64 && exec "$@"', "sh")
    with daemon(site, prefix=scarce) as process:
        with ExitStack() as stack:
            peers = [stack.enter_context(socket.socket()) for _ in range(200)]
            for peer in peers:
                peer.connect(("127.0.0.1", site.smtp))
            greetings = _heard(peers, {b"220", b"421"})
        assert {greeting[:3] for greeting in greetings} == {b"220", b"421"}
        assert not any(b"Traceback" in greeting for greeting in greetings)
        accepted_within(site, RECOVERY, mail("afterwards"))
        wait_until(lambda: ready(site), RECOVERY, "/readyz is 200 again")
        assert process.poll() is None


def _heard(peers: list[socket.socket], codes: set[bytes]) -> list[bytes]:
    """What peers hear first, until each of these codes was heard."""
    heard: list[bytes] = []
    deadline = time.monotonic() + 30
    with selectors.DefaultSelector() as selector:
        for peer in peers:
            selector.register(peer, selectors.EVENT_READ)
        while codes - {said[:3] for said in heard} and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                assert isinstance(key.fileobj, socket.socket)
                heard.append(key.fileobj.recv(4096))
                selector.unregister(key.fileobj)
    return heard


def test_a_client_that_vanishes_after_the_dot_finds_one_copy_when_it_comes_back(
    tmp_path: Path,
) -> None:
    """D24, RFC 1047"""
    site = lay_out(tmp_path)
    letters = [mail(f"gone{number}", f"c{number}@example.jp") for number in range(20)]
    with daemon(site):
        for letter in letters:
            _send_and_vanish(site, letter.as_bytes())
        for letter in letters:
            assert send(site, letter).code == 250
        assert sorted(stored(site)) == sorted(map(bare, letters))
        assert len(acknowledgements(site, 20)) == 20


def _send_and_vanish(site: Site, content: bytes) -> None:
    with socket.create_connection(("127.0.0.1", site.smtp), timeout=60) as peer:
        peer.recv(4096)
        for command in (
            b"EHLO mx",
            b"MAIL FROM:<yuki@example.jp>",
            b"RCPT TO:<support@example.com>",
        ):
            peer.sendall(command + b"\r\n")
            peer.recv(4096)
        peer.sendall(b"DATA\r\n")
        assert peer.recv(4096).startswith(b"354")
        peer.sendall(content + b".\r\n")
        # A reset, not a polite end.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_stop_lets_mail_finish_and_sends_everybody_else_away(tmp_path: Path) -> None:
    """D25: 20 mails in the middle of DATA, 20 idle; half of the mails never end."""
    site = lay_out(tmp_path)
    change(site, ("[acknowledge]\n", 'grace = "10 seconds"\n\n[acknowledge]\n'))
    letters = [mail(f"flight{number}", f"c{number}@example.jp") for number in range(20)]
    with ExitStack() as stack:
        process = launch(site)
        stack.callback(stop, process)
        await_ready(site, process)
        busy = [stack.enter_context(_in_data(site, letter)) for letter in letters]
        idle = [stack.enter_context(_greeted(site)) for _ in range(20)]
        process.terminate()
        assert idle[0].recv(4096).startswith(b"421 4.3.2")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", site.smtp), timeout=60)
        for peer, letter in zip(busy[:10], letters, strict=False):
            peer.sendall(letter.as_bytes()[100:] + b".\r\n")
        ends = [peer.recv(4096)[:3] for peer in busy]
        assert ends == [b"250"] * 10 + [b"421"] * 10
        assert all(peer.recv(4096).startswith(b"421 4.3.2") for peer in idle[1:])
        assert process.wait(30) == 0
    assert sorted(stored(site)) == sorted(map(bare, letters[:10]))
    with daemon(site):
        assert len(acknowledgements(site, 10)) == 10
        assert all(send(site, letter).code == 250 for letter in letters)
    assert sorted(stored(site)) == sorted(map(bare, letters))


@contextmanager
def _greeted(site: Site) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", site.smtp), timeout=30) as peer:
        assert peer.recv(4096).startswith(b"220")
        yield peer


@contextmanager
def _in_data(site: Site, letter: EmailMessage) -> Iterator[socket.socket]:
    with _greeted(site) as peer:
        for command in (
            b"EHLO mx",
            b"MAIL FROM:<yuki@example.jp>",
            b"RCPT TO:<support@example.com>",
        ):
            peer.sendall(command + b"\r\n")
            assert peer.recv(4096).startswith(b"250")
        peer.sendall(b"DATA\r\n")
        assert peer.recv(4096).startswith(b"354")
        peer.sendall(letter.as_bytes()[:100])
        yield peer


def test_nothing_outlives_a_killed_daemon_and_another_starts_at_once(tmp_path: Path) -> None:
    site = lay_out(tmp_path)
    with daemon(site) as process:
        assert send(site, mail("before")).code == 250
        family = [pid for pid in children(process.pid) if pid != process.pid]
        assert family
        process.kill()
        process.wait()
        for port in (site.smtp, site.http):
            with socket.create_server(("127.0.0.1", port)):
                pass
        wait_until(lambda: not any(map(_runs, family)), 30, "the workers are gone too")
    with daemon(site):
        assert stored(site) == ["before@mx.example.jp"]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_was_due_while_nobody_ran_is_sent_once_at_the_next_start(tmp_path: Path) -> None:
    """D02, T05: killed between the commit and the 250."""
    site = lay_out(tmp_path)
    with daemon(site, {"MADOGUCHI_FAILPOINT": "F2:1"}) as process:
        with pytest.raises((OSError, smtplib.SMTPServerDisconnected)):
            send(site, mail("due"))
        assert process.wait(30) == -signal.SIGKILL
    for _ in range(2):
        with daemon(site):
            assert send(site, mail("due")).code == 250
            acknowledgements(site, 1)
    assert len(acknowledgements(site, 1)) == 1
    assert stored(site) == ["due@mx.example.jp"]
