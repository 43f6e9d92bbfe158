"""One thread writes: it takes all that wait, commits them together, and answers each."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select, update

from store import inbound, schema
from store.engine import StoreUnavailable, WriteLock, as_unavailable
from store.known import Arrival, Changes, Plan
from store.prepared import Prepared

Work = Callable[[Connection, Changes], Any]

MAX_BATCH = 128  # jobs in one transaction: enough to share an fsync, few enough to answer soon
MAX_BATCH_BYTES = 16 * 2**20
CHECKPOINT_BYTES = 8 * 2**20  # roughly what the WAL may hold before it goes into the database
_ROW_COST = 16 * 2**10  # octets that one job adds to the WAL besides its raw bytes


@dataclass(slots=True, eq=False)
class Job:
    """An arrival, or another piece of work, and who waits for it."""

    arrival: Arrival | None
    work: Work | None
    future: asyncio.Future[Any]

    @property
    def size(self) -> int:
        data = self.arrival.raw.data if self.arrival else None
        return _ROW_COST + 2 * len(data or b"")


class Writer:
    """The single writing connection and its thread.

    A batch is one transaction and one fsync. If one row of it is wrong, the batch is undone and
    replayed job by job, so that nobody pays for a neighbour; if the store itself is in trouble,
    all that wait are told so and the connection is made anew.
    """

    def __init__(
        self,
        engine: Engine,
        lock: WriteLock,
        plan: Plan,
        failpoint: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._lock = lock
        self._plan = plan
        self._failpoint = failpoint
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._unsynced = 0
        self._connection: Connection | None = None
        self._closed = False
        self.in_trouble = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, arrival: Arrival | None = None, work: Work | None = None) -> Any:
        """An awaitable for what the job returns; it may raise StoreUnavailable."""
        future = self._loop.create_future()
        if self._closed:
            future.set_exception(StoreUnavailable("the store is closed"))
        else:
            self._jobs.put(Job(arrival, work, future))
        return future

    async def close(self) -> None:
        """Finish what waits, then stop."""
        self._closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch, last = self._gather(first)
            self._answer(batch, self._attempt(batch))
            self._unsynced += sum(job.size for job in batch)
            if self._unsynced > CHECKPOINT_BYTES:
                self._checkpoint()
            if last:
                break
        self._checkpoint()
        self._disconnect()

    def _gather(self, first: Job) -> tuple[list[Job], bool]:
        batch, size = [first], first.size
        while len(batch) < MAX_BATCH and size < MAX_BATCH_BYTES:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return batch, True
            batch.append(job)
            size += job.size
        return batch, False

    def _attempt(self, batch: Sequence[Job]) -> list[Any]:
        """The result of each job: a value, or the exception that its waiter gets."""
        try:
            return self._transaction(batch)
        except Exception as error:
            # Also for one wrong row: a commit that failed may leave its transaction open.
            self._disconnect()
            trouble = as_unavailable(error)
            if trouble is not None:
                self.in_trouble = True
                return [trouble] * len(batch)
            if len(batch) == 1:
                return [error]
        return [self._attempt([job])[0] for job in batch]

    def _transaction(self, batch: Sequence[Job]) -> list[Any]:
        with self._lock.held():
            connection = self._connected()
            with connection.begin():
                changes = Changes(_lock_counter(connection))
                before = changes.last_id
                results = self._run_jobs(connection, changes, batch)
                if changes.last_id != before or self.in_trouble:
                    # After trouble, whoever comes first tries whether writing works again.
                    _ADVANCE.run(connection, last=changes.last_id)
            if changes.last_id != before:
                self._lock.note(changes.last_id)
        self.in_trouble = False
        return results

    def _connected(self) -> Connection:
        """The one connection, kept from batch to batch."""
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
        self._engine.dispose()

    def _run_jobs(
        self, connection: Connection, changes: Changes, batch: Sequence[Job]
    ) -> list[Any]:
        arrivals = [job.arrival for job in batch if job.arrival is not None]
        accepted = iter(
            inbound.commit(connection, changes, arrivals, self._plan) if arrivals else ()
        )
        return [job.work(connection, changes) if job.work else next(accepted) for job in batch]

    def _answer(self, batch: Sequence[Job], results: Sequence[Any]) -> None:
        self._loop.call_soon_threadsafe(_resolve, batch, results)

    def _checkpoint(self) -> None:
        """Move the WAL into the database: after the answers, so that no sender waits for it."""
        self._unsynced = 0
        if self._engine.dialect.name != "sqlite":
            return
        self._failpoint("F8")
        # The WAL keeps everything; the next batch meets the same trouble and reports it.
        with suppress(Exception), self._lock.held():
            cursor = self._connected().connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
            cursor.fetchall()
            cursor.close()
        self._failpoint("F8")


def _resolve(batch: Sequence[Job], results: Sequence[Any]) -> None:
    for job, result in zip(batch, results, strict=True):
        if job.future.done():
            continue
        if isinstance(result, BaseException):
            job.future.set_exception(result)
        else:
            job.future.set_result(result)


_counter = schema.counters.c
_LOCK = Prepared(select(_counter.value).where(_counter.name == "id").with_for_update())
_ADVANCE = Prepared(
    update(schema.counters).where(_counter.name == "id").values(value=bindparam("last"))
)


def _lock_counter(connection: Connection) -> int:
    """The last id given out; its row is the lock that makes all writers one, to the commit.

    Ids and event cursors are therefore seen in the order in which they were given: no reader ever
    meets a later cursor before an earlier one.
    """
    found = _LOCK.run(connection)
    if not found:
        raise StoreUnavailable("the store has no counter")
    last: int = found[0][0]
    return last
