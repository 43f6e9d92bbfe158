"""Trouble is 4xx, never a false 250, and passes by itself once its cause is gone."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import smtplib
import socket
import sqlite3
import struct
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from store.engine import WriteLock
from tests.bench.host import children
from tests.daemon.servers import (
    Postgres,
    Site,
    await_ready,
    daemon,
    launch,
    lay_out,
    log_tail,
    postgres,
    ready,
    require,
    stop,
    unprivileged,
    wait_until,
)
from tests.daemon.window import (
    Reply,
    accepted_within,
    acknowledgements,
    bare,
    change,
    hand_over,
    mail,
    refusal,
    rows,
    send,
    stored,
    talking,
)

pytestmark = pytest.mark.daemon

RECOVERY = 10.0  # seconds within which mail is taken again


def _until_refused(site: Site, prefix: str, size: int) -> tuple[list[str], list[Reply]]:
    """Send until a few mails in a row were refused: what was accepted, and the refusals."""
    accepted: list[str] = []
    refused: list[Reply] = []
    with talking(site) as line:
        while len(refused) < 3:
            letter = mail(f"{prefix}{len(accepted) + len(refused)}", size=size)
            reply = hand_over(line, letter)
            if reply.code == 250:
                accepted.append(bare(letter))
            else:
                refused.append(reply)
    return accepted, refused


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB where the daemon's data_dir is."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    place = tmp_path / "var"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize("min_free", ["200 MiB", "0 B"], ids=["with-a-mark", "to-the-last-octet"])
def test_a_full_disk_is_told_and_passes(tmp_path: Path, small_disk: Path, min_free: str) -> None:
    """D12, D13"""
    site = lay_out(tmp_path)
    change(site, ("[http]", f'min_free = "{min_free}"\n\n[http]'))
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 2**20)
    with daemon(site) as process:
        accepted, refused = _until_refused(site, "full", 20_000)
        assert accepted
        assert all(reply.is_honest for reply in refused), refused
        assert {reply.code for reply in refused} == {452}
        large = send(site, mail("large", size=2_000_000))
        assert large.code // 100 == 4
        assert large.is_honest, large
        if min_free != "0 B":
            wait_until(lambda: not ready(site), 5, "/readyz tells that the disk is full")
        ballast.unlink()
        accepted_within(site, RECOVERY, mail("room-again"))
        wait_until(lambda: ready(site), RECOVERY, "/readyz is 200 again")
        assert process.poll() is None
        assert stored(site) == [*accepted, "room-again@mx.example.jp"]


def test_a_locked_store_is_waited_for_then_told_and_passes(tmp_path: Path) -> None:
    site = lay_out(tmp_path)
    letters = [mail(f"locked{number}", f"c{number}@example.jp") for number in range(5)]
    with daemon(site) as process, ThreadPoolExecutor(5) as threads:
        with closing(sqlite3.connect(site.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            replies = list(threads.map(lambda letter: send(site, letter), letters))
            assert time.monotonic() - began < 60
            assert {reply.code for reply in replies} == {451}
            assert all(reply.is_honest for reply in replies), replies
            assert not ready(site)
            other.execute("ROLLBACK")
        for letter in letters:
            accepted_within(site, RECOVERY, letter)
        wait_until(lambda: ready(site), RECOVERY, "/readyz is 200 again")
        assert sorted(stored(site)) == sorted(map(bare, letters))
        assert process.poll() is None


@contextmanager
def _stopped(server: Postgres) -> Iterator[None]:
    """PostgreSQL away for a while, then there again on the same port."""
    server.process.send_signal(signal.SIGINT)
    server.process.wait(60)
    yield


@contextmanager
def _started_again(server: Postgres) -> Iterator[None]:
    who = unprivileged()
    process = subprocess.Popen(
        server.process.args, stderr=subprocess.DEVNULL, user=who.user, group=who.group
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def test_a_server_that_is_away_is_waited_for_whenever_it_is_away(tmp_path: Path) -> None:
    """PostgreSQL is down at the start, and again later; each time one process goes on."""
    require("postgres")
    with postgres() as server:
        site = lay_out(tmp_path, server.create("faults"))
        with _stopped(server):
            process = launch(site)
            wait_until(lambda: "store.waiting" in log_tail(site.log), 20, "the store is waited for")
        try:
            with _started_again(server):
                await_ready(site, process)
                assert send(site, mail("one")).code == 250
            reply = send(site, mail("two"))
            assert reply.code == 451
            assert reply.is_honest, reply
            wait_until(lambda: not ready(site), 5, "/readyz tells that the store is away")
            with _started_again(server):
                accepted_within(site, RECOVERY, mail("two"))
                wait_until(lambda: ready(site), RECOVERY, "/readyz is 200 again")
                assert process.poll() is None
                assert stop(process) == 0
        finally:
            process.kill()
            process.wait()


FAULTY_DISK = """
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/syscall.h>
static int broken(void) { return access(getenv("FAULTY_DISK"), F_OK) == 0; }
int fsync(int fd) { if (broken()) { errno = EIO; return -1; } return syscall(SYS_fsync, fd); }
int fdatasync(int fd) { if (broken()) { errno = EIO; return -1; } return syscall(SYS_fdatasync, fd); }
"""


@pytest.fixture
def faulty_disk(tmp_path: Path) -> dict[str, str]:
    """An environment in which no sync succeeds while the file $FAULTY_DISK is there."""
    source, library = tmp_path / "faulty.c", tmp_path / "faulty.so"
    source.write_text(FAULTY_DISK)
    try:
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    except FileNotFoundError:
        if os.environ.get("CI"):
            raise
        pytest.skip("gcc is missing: apt-get install gcc")
    return {"LD_PRELOAD": str(library), "FAULTY_DISK": str(tmp_path / "broken")}


def test_a_disk_that_fails_to_sync_is_told_and_passes(
    tmp_path: Path, faulty_disk: dict[str, str]
) -> None:
    """EIO: what was not synced was not accepted, also after a crash."""
    site, broken = lay_out(tmp_path), Path(faulty_disk["FAULTY_DISK"])
    with daemon(site, faulty_disk) as process:
        assert send(site, mail("before")).code == 250
        broken.touch()
        replies = [send(site, mail(f"broken{number}")) for number in range(5)]
        assert {reply.code // 100 for reply in replies} == {4}
        assert all(reply.is_honest for reply in replies), replies
        broken.unlink()
        accepted_within(site, RECOVERY, mail("after"))
        assert process.poll() is None
        process.kill()
        process.wait()
    with daemon(site):
        found = stored(site)
        assert found.count("before@mx.example.jp") == found.count("after@mx.example.jp") == 1
        assert len(set(found)) == len(found)


def test_more_connections_than_files_are_told_to_come_back(tmp_path: Path) -> None:
    """D17: 200 connections, 64 files."""
    site = lay_out(tmp_path)
    scarce = ("sh", "-c", 'ulimit -n 64 && exec "$@"', "sh")
    with daemon(site, prefix=scarce) as process:
        with ExitStack() as stack:
            peers = [stack.enter_context(socket.socket()) for _ in range(200)]
            for peer in peers:
                peer.connect(("127.0.0.1", site.smtp))
            greetings = _heard(peers, 2.0)
        assert {greeting[:3] for greeting in greetings} == {b"220", b"421"}
        assert not any(b"Traceback" in greeting for greeting in greetings)
        accepted_within(site, RECOVERY, mail("afterwards"))
        wait_until(lambda: ready(site), RECOVERY, "/readyz is 200 again")
        assert process.poll() is None


def _heard(peers: list[socket.socket], seconds: float) -> list[bytes]:
    """What each of these peers hears first, as far as they hear anything in so long."""
    heard = []
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for peer in peers:
            selector.register(peer, selectors.EVENT_READ)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
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
    with socket.create_connection(("127.0.0.1", site.smtp), timeout=10) as peer:
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
    change(site, ("[acknowledge]\n", 'grace = "1 second"\n\n[acknowledge]\n'))
    letters = [mail(f"flight{number}", f"c{number}@example.jp") for number in range(20)]
    with ExitStack() as stack:
        process = launch(site)
        stack.callback(stop, process)
        await_ready(site, process)
        busy = [stack.enter_context(_in_data(site, letter)) for letter in letters]
        idle = [stack.enter_context(_greeted(site)) for _ in range(20)]
        process.terminate()
        assert all(peer.recv(4096).startswith(b"421 4.3.2") for peer in idle)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", site.smtp), timeout=1)
        for peer, letter in zip(busy[:10], letters, strict=False):
            peer.sendall(letter.as_bytes()[100:] + b".\r\n")
        ends = [peer.recv(4096)[:3] for peer in busy]
        assert ends == [b"250"] * 10 + [b"421"] * 10
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
        wait_until(lambda: not any(map(_runs, family)), 2, "the workers are gone too")
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
        assert process.wait(10) == -signal.SIGKILL
    for _ in range(2):
        with daemon(site):
            assert send(site, mail("due")).code == 250
            acknowledgements(site, 1)
    assert len(acknowledgements(site, 1)) == 1
    assert stored(site) == ["due@mx.example.jp"]


def test_a_second_daemon_on_one_store_refuses_to_start(tmp_path: Path) -> None:
    """D27"""
    site = lay_out(tmp_path)
    (tmp_path / "second").mkdir()
    second = lay_out(tmp_path / "second", f"sqlite:///{site.database}")
    with daemon(site):
        assert refusal(second) == 1
        assert "another daemon works on" in log_tail(second.log)
        assert send(site, mail("served")).code == 250


def test_a_damaged_store_is_told_and_takes_no_mail(tmp_path: Path) -> None:
    """D31: never a silent empty database."""
    site = lay_out(tmp_path)
    with daemon(site) as process:
        assert send(site, mail("precious")).code == 250
        process.kill()
        process.wait()
    shutil.copytree(tmp_path / "var", tmp_path / "whole")
    for damage in (_empty, _flip, _shorten):
        damage(site.database)
        site.log.unlink()
        assert refusal(site) == 1
        told = log_tail(site.log)
        assert any(word in told for word in ("is damaged", "mail is missing")), told
        assert "Traceback" not in told
        shutil.rmtree(tmp_path / "var")
        shutil.copytree(tmp_path / "whole", tmp_path / "var")
    with daemon(site):
        assert stored(site) == ["precious@mx.example.jp"]


def _empty(database: Path) -> None:
    database.with_name("madoguchi.db-wal").unlink()
    database.write_bytes(b"")


def _flip(database: Path) -> None:
    content = database.read_bytes()
    database.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def _shorten(database: Path) -> None:
    wal = database.with_name("madoguchi.db-wal")
    with wal.open("r+b") as file:
        file.truncate(wal.stat().st_size - 4096)


def test_a_stop_during_migration_leaves_the_old_schema_or_the_new(tmp_path: Path) -> None:
    """D26: SIGTERM twice while the migration waits for its lock."""
    site = lay_out(tmp_path)
    site.database.parent.mkdir()
    lock = WriteLock(site.database)
    with lock.held():
        process = launch(site)
        files = Path(f"/proc/{process.pid}/fd")
        wait_until(lambda: "madoguchi.db.write" in _open(files), 20, "the migration has begun")
        process.terminate()
        process.terminate()
    lock.close()
    assert process.wait(30) == 0
    with daemon(site):
        assert send(site, mail("afterwards")).code == 250
        assert len(rows(site, "SELECT * FROM v_ledger")) == 1


def _open(files: Path) -> set[str]:
    found = set()
    for file in files.iterdir():
        try:
            found.add(file.readlink().name)
        except OSError:
            continue
    return found
