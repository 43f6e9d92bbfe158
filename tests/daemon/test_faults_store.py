"""A store in trouble: 4xx, never a false 250, and all is well once the cause is gone."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from store.engine import WriteLock
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
    bare,
    change,
    hand_over,
    holds,
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
            wait_until(lambda: not ready(site), 30, "/readyz tells that the disk is full")
        ballast.unlink()
        accepted_within(site, RECOVERY, mail("room-again"))
        wait_until(lambda: ready(site), RECOVERY, "/readyz is 200 again")
        assert process.poll() is None
        assert stored(site) == [*accepted, "room-again@mx.example.jp"]


def test_a_disk_that_is_full_at_the_start_keeps_nobody_from_starting(
    tmp_path: Path, small_disk: Path
) -> None:
    """With an acknowledgement that the process before was sending: its end has to be written."""
    site = lay_out(tmp_path)
    with daemon(site, {"MADOGUCHI_FAILPOINT": "F5:1"}) as process:
        accepted_within(site, RECOVERY, mail("first"))
        assert process.wait(60) == -signal.SIGKILL
    ballast = _fill(small_disk)
    process = launch(site)
    try:
        wait_until(holds(site, "/healthz", 200), 90, "the daemon starts")
        ballast.unlink()
        await_ready(site, process, RECOVERY)
        query = "SELECT status FROM v_messages WHERE direction = 'out'"
        assert rows(site, query) == [{"status": "in_doubt"}]
    finally:
        assert stop(process) == 0


def _fill(disk: Path) -> Path:
    """Take the last octet of a file system."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return ballast


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
            wait_until(lambda: "store.waiting" in log_tail(site.log), 90, "the store is waited for")
        try:
            with _started_again(server):
                await_ready(site, process)
                assert send(site, mail("one")).code == 250
            reply = send(site, mail("two"))
            assert reply.code == 451
            assert reply.is_honest, reply
            wait_until(lambda: not ready(site), 30, "/readyz tells that the store is away")
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
        # The last transaction shall be one that gave out ids: only such are missed.
        wait_until(lambda: _told_as_sent(site), 60, "the acknowledgement is settled")
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


def _told_as_sent(site: Site) -> bool:
    return bool(rows(site, "SELECT 1 AS one FROM v_events WHERE type = 'delivery.sent'"))


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
        wait_until(lambda: "madoguchi.db.write" in _open(files), 90, "the migration has begun")
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
