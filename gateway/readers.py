"""The pool of reading workers: the loop never waits for a parser, and no mail holds up another."""

from __future__ import annotations

import asyncio
import subprocess
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import structlog

from channels.child import Child
from gateway.worker import Reading
from normalizer.message import Envelope, Message, Spooled

log = structlog.get_logger()

QUEUE_PATIENCE = 0.1  # seconds that a mail waits for a free worker before it is stored unread
READ_PATIENCE = 0.5  # seconds that its reading may take before it is
HARD_LIMIT = 8.0  # seconds after which a worker is given up for dead
LARGE = 2**20  # octets; one worker never takes such mail, so that small mail always passes
_START_PATIENCE = 90.0  # seconds for an interpreter and its imports on a busy machine
_BATCH = 16
_BATCH_BYTES = 256 * 2**10
_TICK = 0.02
_HELP_AFTER = 0.005  # seconds that one worker is left alone with what waits


class TooSlow(Exception):
    """The mail could not be read in the time that a peer can be kept waiting."""


class ReaderDied(Exception):
    """The worker died or hung over this mail."""


@dataclass(slots=True, eq=False, repr=False)
class _Job:
    number: int
    envelope: Envelope
    future: asyncio.Future[Reading]
    size: int
    give_up: float
    patience: float
    alone: bool  # so that it is to blame, and no neighbour, if its worker dies


class _Worker:
    """One child; its jobs are answered in the order they were given."""

    def __init__(self, pool: Readers, spool: Path, *, only_small: bool) -> None:
        self.only_small = only_small
        self.ready = False
        self.greeted = False
        self.started = 0.0
        self.jobs: deque[_Job] = deque()
        self._pool = pool
        entry = "gateway.worker:start"
        self.child = Child(entry, str(spool), received=self._received, lost=lambda: pool.lost(self))

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self.child.process

    def _received(self, readings: list[Reading]) -> None:
        self.ready = self.ready or not readings
        if not self.greeted:
            self.greeted = True
            self._pool.greeting.set()
        self._pool.answered(self, readings)

    def give(self, jobs: list[_Job], now: float) -> None:
        self.jobs.extend(jobs)
        self.started = now
        # After such a mail a tired worker leaves; it says so by not saying that it is ready again.
        self.ready = not any(isinstance(job.envelope.raw, Spooled) for job in jobs)
        self.child.send([(job.number, job.envelope) for job in jobs])


class Readers:
    """Workers, replaced one by one; `read` raises TooSlow or ReaderDied, and never hangs."""

    def __init__(self, count_: int, spool: Path) -> None:
        self._count = count_
        self._spool = spool
        self._loop = asyncio.get_running_loop()
        self._numbers = count()
        self._waiting: deque[_Job] = deque()
        self._large: deque[_Job] = deque()
        self._workers: list[_Worker] = []
        self._closing = False
        self._replacing: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.TimerHandle | None = None
        self._is_due = False
        self.greeting = asyncio.Event()  # somebody has said that it is there
        self.restarts = 0

    async def start(self) -> None:
        """Start the workers; returns when each has said that it is there."""
        self.launch()
        await self.greeted()

    def launch(self) -> None:
        """Start the workers, which load what they need on another core."""
        self._workers = [self._worker(only_small=not i) for i in range(self._count)]

    async def greeted(self) -> None:
        """Return when each worker has said that it is there; one that dies has a successor."""
        try:
            async with asyncio.timeout(_START_PATIENCE):
                while sum(worker.greeted for worker in self._workers) < self._count:
                    self.greeting.clear()
                    await self.greeting.wait()
        except TimeoutError:
            told = f"the workers that read mail did not start within {_START_PATIENCE:g} seconds"
            raise TimeoutError(told) from None

    async def close(self) -> None:
        """End every worker, and wait until it has ended."""
        self._closing = True
        if self._ticker:
            self._ticker.cancel()
        if self._replacing:
            await asyncio.gather(*self._replacing)
        workers = list(self._workers)  # each leaves the pool when its connection ends
        await asyncio.gather(*(worker.child.close() for worker in workers))
        for job in (*self._waiting, *self._large):
            if not job.future.done():
                job.future.set_exception(TooSlow())

    async def read(self, envelope: Envelope, *, patient: bool = False) -> Reading:
        """Read in a worker; `patient` waits as long as reading may take at all."""
        if self._closing:
            raise TooSlow
        now = self._loop.time()
        raw = envelope.raw
        size = raw.size if isinstance(raw, Spooled) else len(raw)
        job = _Job(
            next(self._numbers),
            envelope,
            self._loop.create_future(),
            size,
            now + (3600 if patient else QUEUE_PATIENCE),
            HARD_LIMIT if patient else READ_PATIENCE,
            patient,
        )
        (self._large if size >= LARGE else self._waiting).append(job)
        self._dispatch_soon()
        if self._ticker is None:
            self._ticker = self._loop.call_later(_TICK, self._tick)
        return await job.future

    def _worker(self, *, only_small: bool) -> _Worker:
        return _Worker(self, self._spool, only_small=only_small)

    def _dispatch_soon(self) -> None:
        """All mails of one turn of the loop go to the workers together: each frame wakes a process."""
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._is_due = False
        now = self._loop.time()
        # Who never takes large mail takes small mail first.
        for worker in sorted(self._workers, key=lambda worker: not worker.only_small):
            is_free = worker.ready and not worker.jobs
            if is_free and self._is_needed(now) and (jobs := self._take(worker)):
                worker.give(jobs, now)

    def _is_needed(self, now: float) -> bool:
        """A second worker helps when the first takes its time; before that, waking it costs more."""
        if self._large or len(self._waiting) > _BATCH:
            return True
        return not any(w.jobs and now - w.started < _HELP_AFTER for w in self._workers)

    def _take(self, worker: _Worker) -> list[_Job]:
        while self._large and not worker.only_small:
            job = self._large.popleft()
            if not job.future.done():
                return [job]
        jobs: list[_Job] = []
        size = 0
        while self._waiting and len(jobs) < _BATCH and size < _BATCH_BYTES:
            if jobs and self._waiting[0].alone:
                break
            job = self._waiting.popleft()
            if job.future.done():
                continue
            jobs.append(job)
            size += job.size
            if job.alone:
                break
        return jobs

    def answered(self, worker: _Worker, readings: list[Reading]) -> None:
        for reading in readings:
            job = worker.jobs.popleft()
            worker.started = self._loop.time()
            if job.future.done():
                discard(reading.messages)
            else:
                job.future.set_result(reading)
        self._dispatch()

    def lost(self, worker: _Worker) -> None:
        """Replace a worker; only the mail that it was reading is to blame."""
        self._workers.remove(worker)
        if worker.jobs:
            blamed = worker.jobs.popleft()
            if not blamed.future.done():
                blamed.future.set_exception(ReaderDied())
            self._waiting.extendleft(reversed(worker.jobs))
        if not self._closing:
            self.restarts += 1
            task = self._loop.create_task(self._replace(worker))
            self._replacing.add(task)
            task.add_done_callback(self._replacing.discard)

    async def _replace(self, worker: _Worker) -> None:
        await worker.child.close()  # a tired one ends by itself
        if worker.process.returncode:
            log.warning("reader.died", exit=worker.process.returncode)
            await asyncio.sleep(0 if worker.greeted else 1.0)
        if not self._closing:
            self._workers.append(self._worker(only_small=worker.only_small))

    def _tick(self) -> None:
        now = self._loop.time()
        self._waiting = _still_waiting(self._waiting, now)
        self._large = _still_waiting(self._large, now)
        for worker in self._workers:
            self._hurry(worker, now)
        self._dispatch()
        busy = self._waiting or self._large or any(worker.jobs for worker in self._workers)
        self._ticker = self._loop.call_later(_TICK, self._tick) if busy else None

    def _hurry(self, worker: _Worker, now: float) -> None:
        for position, job in enumerate(worker.jobs):
            late = now - worker.started > job.patience if not position else job.give_up < now
            if late and not job.future.done():
                job.future.set_exception(TooSlow())
        if worker.jobs and now - worker.started > HARD_LIMIT:
            worker.child.kill()


def discard(messages: Iterable[Message]) -> None:
    """Delete the spooled parts of messages that nobody wants any more; a part that was kept stays."""
    for message in messages:
        for part in message.parts:
            if isinstance(part.data, Spooled):
                Path(part.data.path).unlink(missing_ok=True)


def _still_waiting(queue: deque[_Job], now: float) -> deque[_Job]:
    """A queue without the jobs that have waited for too long, whoever stands before them."""
    for job in queue:
        if job.give_up < now and not job.future.done():
            job.future.set_exception(TooSlow())
    return deque(job for job in queue if not job.future.done())
