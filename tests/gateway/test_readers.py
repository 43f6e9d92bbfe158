"""No mail holds up another: slow, deadly and large ones cost their neighbours nothing."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway import readers as module
from gateway.readers import ReaderDied, Readers, TooSlow
from normalizer.message import Spooled
from tests import making
from tests.making import envelope, mail

LARGE = mail(body="x" * 79 + "\r\n" + "y" * module.LARGE)


@asynccontextmanager
async def running(spool: Path, count: int = 2) -> AsyncIterator[Readers]:
    readers = Readers(count, spool)
    await readers.start()
    await until(lambda: all(worker.ready for worker in readers._workers))
    try:
        yield readers
    finally:
        for worker in readers._workers:
            worker.process.send_signal(signal.SIGCONT)
        await readers.close()


async def until(holds: Callable[[], bool]) -> None:
    async def asked() -> bool:
        return holds()

    await making.until(asked)


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Readers]:
    async with running(tmp_path) as readers:
        yield readers


def replaced(readers: Readers, times: int) -> bool:
    workers = readers._workers
    return readers.restarts == times and len(workers) == 2 and all(w.ready for w in workers)


def exists(pid: int) -> bool:
    """Whether there is such a process, be it a zombie."""
    return Path(f"/proc/{pid}").exists()


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def pids(readers: Readers) -> list[int]:
    return [worker.process.pid for worker in readers._workers]


def freeze(readers: Readers, *, only_small: bool) -> int:
    """A worker that hangs, as over a mail that no time limit inside it can end."""
    pid = worker_of(readers, only_small=only_small).process.pid
    os.kill(pid, signal.SIGSTOP)
    return pid


def freeze_all(readers: Readers) -> list[int]:
    return [freeze(readers, only_small=only_small) for only_small in (True, False)]


def go_on(pids: Iterable[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def worker_of(readers: Readers, *, only_small: bool) -> module._Worker:
    (found,) = (worker for worker in readers._workers if worker.only_small is only_small)
    return found


async def test_many_mails_are_each_read_once_and_as_themselves(pool: Readers) -> None:
    raws = [mail(subject=f"number {n}") for n in range(100)]
    read = await asyncio.gather(*(pool.read(envelope(raw), patient=True) for raw in raws))
    assert [reading.messages[0].subject for reading in read] == [f"number {n}" for n in range(100)]
    assert [r.sha256 for r in read] == [hashlib.sha256(raw).hexdigest() for raw in raws]


async def turns() -> None:
    """Let the loop run what was asked for in this turn, and what that asked for."""
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.fixture
def leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not to be late is not, on a busy machine either."""
    monkeypatch.setattr(module, "QUEUE_PATIENCE", 5)


async def test_a_mail_that_hangs_its_reader_is_told_so_in_time_and_delays_no_neighbour(
    pool: Readers, leisure: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HARD_LIMIT", 60)
    freeze(pool, only_small=True)
    with pytest.raises(TooSlow):
        await pool.read(envelope(mail()))
    raws = [mail() for _ in range(20)]
    await asyncio.gather(*(pool.read(envelope(raw), patient=True) for raw in raws))
    assert pool.restarts == 0  # it was all over before the one that hangs was given up


async def test_a_hanging_worker_is_killed_and_replaced(
    pool: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = freeze(pool, only_small=True)
    with monkeypatch.context() as hasty:
        hasty.setattr(module, "HARD_LIMIT", 0.2)
        with pytest.raises((TooSlow, ReaderDied)):
            await pool.read(envelope(mail()))
        await until(lambda: pool.restarts == 1 and len(pool._workers) == 2)
    assert frozen not in pids(pool)
    assert not exists(frozen)  # waited for: no zombie
    assert (await pool.read(envelope(mail()), patient=True)).messages


async def test_a_deadly_mail_is_blamed_alone_and_its_neighbours_are_read(
    pool: Readers, leisure: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others of its batch go to another worker; they were given before it died."""
    monkeypatch.setattr(module, "READ_PATIENCE", 5)
    freeze_all(pool)
    jobs = [asyncio.ensure_future(pool.read(envelope(mail()))) for _ in range(6)]
    await turns()
    deadly = max(pool._workers, key=lambda worker: len(worker.jobs))
    given = len(deadly.jobs)
    go_on(pid for pid in pids(pool) if pid != deadly.process.pid)
    os.kill(deadly.process.pid, signal.SIGKILL)
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    assert given >= 1
    assert sum(isinstance(one, ReaderDied) for one in ended) == 1
    assert sum(isinstance(one, TooSlow) for one in ended) == 0


async def test_a_patient_reading_is_alone_with_its_worker(pool: Readers) -> None:
    """So that it is never blamed for a neighbour's deadly mail."""
    frozen = freeze_all(pool)
    jobs = [
        asyncio.ensure_future(pool.read(envelope(mail()), patient=patient))
        for patient in (False, False, True, False, True)
    ]
    await until(lambda: all(worker.jobs for worker in pool._workers))
    shared = [list(worker.jobs) for worker in pool._workers]
    assert all(len(given) == 1 for given in shared if any(job.alone for job in given))
    go_on(frozen)
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    assert not [one for one in ended if isinstance(one, ReaderDied)]


async def test_large_mail_never_takes_the_worker_that_is_kept_for_small_mail(
    pool: Readers,
) -> None:
    freeze(pool, only_small=False)
    large = [asyncio.ensure_future(pool.read(envelope(LARGE))) for _ in range(4)]
    await turns()
    assert len(worker_of(pool, only_small=False).jobs) == 1
    assert not worker_of(pool, only_small=True).jobs
    assert (await pool.read(envelope(mail()), patient=True)).messages
    assert all(isinstance(e, TooSlow) for e in await asyncio.gather(*large, return_exceptions=True))


async def test_a_patient_reading_in_front_lets_nobody_wait_longer_than_promised(
    pool: Readers,
) -> None:
    freeze(pool, only_small=False)
    patient = [asyncio.ensure_future(pool.read(envelope(LARGE), patient=True)) for _ in range(2)]
    async with asyncio.timeout(module.QUEUE_PATIENCE + 6):
        with pytest.raises(TooSlow):
            await pool.read(envelope(LARGE))
    assert not any(job.done() for job in patient)
    for job in patient:
        job.cancel()


async def test_a_reading_that_comes_too_late_leaves_no_file(tmp_path: Path, pool: Readers) -> None:
    raw = mail(Content_Type="application/pdf", body="x" * (module.LARGE // 2))
    in_time = await pool.read(envelope(raw), patient=True)
    assert len(files(tmp_path)) == 1
    module.discard(in_time.messages)
    assert files(tmp_path) == []
    frozen = freeze_all(pool)
    late = asyncio.ensure_future(pool.read(envelope(raw), patient=True))
    await turns()
    late.cancel()
    go_on(frozen)
    await until(lambda: not any(worker.jobs for worker in pool._workers))
    assert files(tmp_path) == []


async def test_a_tired_worker_leaves_and_takes_no_mail_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    """After a spooled mail a worker that has grown ends; the next mail is not given to it."""
    start = "import gateway.worker as w; w.TIRED = 0; w.start()"
    popen = subprocess.Popen

    def tired(command: list[str], **more: Any) -> Any:
        return popen([command[0], "-c", start, *command[3:]], **more)

    monkeypatch.setattr(subprocess, "Popen", tired)
    raw = mail()
    async with running(tmp_path) as pool:
        for _ in range(3):
            path = tmp_path / "spooled"
            path.write_bytes(raw)
            spooled = Spooled(str(path), module.LARGE, hashlib.sha256(raw).hexdigest())
            reading = await pool.read(envelope(spooled), patient=True)
            assert reading.messages[0].subject == "Where is my parcel?"
        await until(lambda: pool.restarts == 3)
    assert "reader.died" not in logged.getvalue()


async def test_a_closed_pool_has_no_children_and_keeps_nobody_waiting(pool: Readers) -> None:
    children = freeze_all(pool)
    waiting = [asyncio.ensure_future(pool.read(envelope(mail()), patient=True)) for _ in range(5)]
    await turns()
    await pool.close()
    assert not any(map(exists, children))
    async with asyncio.timeout(30):
        ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(one, TooSlow | ReaderDied) for one in ended)
    with pytest.raises(TooSlow):
        await pool.read(envelope(mail()))


async def test_workers_that_die_one_after_another_are_all_replaced(pool: Readers) -> None:
    for times in (1, 2, 3):
        os.kill(pids(pool)[0], signal.SIGKILL)
        await until(partial(replaced, pool, times))
    assert (await pool.read(envelope(mail()), patient=True)).messages
    assert sorted(worker.only_small for worker in pool._workers) == [False, True]


async def test_a_worker_that_dies_at_the_start_has_a_successor_that_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    popen, started = subprocess.Popen, list[str]()

    def mortal(command: list[str], **more: Any) -> Any:
        started.append("exit(1)" if not started else command[2])
        return popen([*command[:2], started[-1], *command[3:]], **more)

    monkeypatch.setattr(subprocess, "Popen", mortal)
    async with running(tmp_path) as readers:
        assert (len(started), readers.restarts) == (3, 1)
        assert (await readers.read(envelope(mail()), patient=True)).messages


async def test_workers_that_do_not_start_are_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_START_PATIENCE", 0)
    readers = Readers(2, tmp_path)
    with pytest.raises(TimeoutError, match="the workers that read mail did not start within 0 s"):
        await readers.start()
    await readers.close()
