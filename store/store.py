"""The store as the gateway sees it: verbs, each one transaction."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, exc, text
from sqlalchemy.exc import DBAPIError

from normalizer.message import Message, Spooled
from store import enclosed, outbox, rows
from store.blobs import SMALL, Blobs
from store.bulk import insert
from store.engine import (
    READERS,
    DaemonLock,
    StoreDamaged,
    StoreNotReady,
    StoreUnavailable,
    WriteLock,
    as_unavailable,
    breaker,
    open_readers,
    open_writer,
    sqlite_path,
)
from store.inbound import flush
from store.known import Accepted, Arrival, Changes, Plan, Raw
from store.migrate import expect_ready, last_id, migrate
from store.outbox import Delivery, Settlement
from store.pieces import Render, parted
from store.scrub import scrub
from store.writer import Work, Writer

T = TypeVar("T")

LOW_WATER = 200 * 2**20  # octets of free disk below which we promise nothing more …
_LOW_WATER_SHARE = 20  # … or this part of a small disk
_LAST_PATIENCE = 2.0  # seconds that a server may keep us from closing
_CHECKED_WHOLE = 512 * 2**20  # a database up to this size is checked page by page at start


def _never(_: str) -> None:
    """A failpoint that is off."""


def _not_noted(_: Sequence[Delivery]) -> None:
    """Nobody looks at what is taken meanwhile."""


def _whole_message(message: Message) -> tuple[Message, ...]:
    """A channel that carries anything."""
    return (message,)


def low_on_disk(folder: Path, low_water: int) -> bool:
    """Whether the disk of a folder is so full that the next commit might fail."""
    disk = os.statvfs(folder)
    total = disk.f_blocks * disk.f_frsize
    return disk.f_bavail * disk.f_frsize < min(low_water, total // _LOW_WATER_SHARE)


class Store:
    """One database and one folder of large bytes.

    Writing verbs wait in line for the one writer and may raise StoreUnavailable; reading verbs run
    in threads on connections that cannot write.
    """

    def __init__(
        self,
        url: str,
        data_dir: Path,
        plan: Plan,
        failpoint: Callable[[str], None] = _never,
        low_water: int = LOW_WATER,
    ) -> None:
        self.blobs = Blobs(data_dir, failpoint)
        self._data_dir = data_dir
        self._readers = open_readers(url)
        self._path = sqlite_path(url)
        self._lock = WriteLock(self._path)
        writing = open_writer(url)
        self._cut = breaker(self._readers, writing)
        self._writer = Writer(writing, self._lock, plan, failpoint)
        self._low_water = low_water
        self._disk = (0.0, False)
        # Threads of its own: reads that wait for a dead server shall keep nobody else waiting.
        self._threads = ThreadPoolExecutor(READERS, "store-reader")
        self._closed = False

    async def close(self) -> None:
        """Finish what is under way; a server that says nothing is given up."""
        self._closed = True
        reads_end = asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        ending = asyncio.gather(self._writer.close(), reads_end)
        await asyncio.wait([ending], timeout=_LAST_PATIENCE)
        if not ending.done():
            self._cut()
        await ending
        self._readers.dispose()
        self._lock.close()

    def low_on_disk(self) -> bool:
        """As the function; the disk is asked once a second at most."""
        asked, low = self._disk
        if time.monotonic() - asked > 1:
            low = low_on_disk(self._data_dir, self._low_water)
            self._disk = (time.monotonic(), low)
        return low

    def takes_mail(self) -> bool:
        """Whether the last commit went well and the disk has room for the next."""
        return not (self._writer.in_trouble or self.low_on_disk())

    def commit_inbound(self, arrival: Arrival) -> Awaitable[Accepted]:
        """Ledger, message, customer, case, acknowledgement, events: durable when this returns."""
        future: Awaitable[Accepted] = self._writer.submit(arrival=arrival)
        return future

    def write(self, work: Work) -> Awaitable[Any]:
        """Run `work(connection, changes)` in the writer's next transaction."""
        future: Awaitable[Any] = self._writer.submit(work=work)
        return future

    async def change(self, plan: Callable[[Connection, Changes], T]) -> T:
        """Run `plan(connection, changes)` in the writer's next transaction and write its rows."""

        def work(connection: Connection, changes: Changes) -> T:
            own = Changes(changes.last_id)
            result = plan(connection, own)
            flush(connection, own)
            changes.last_id = own.last_id
            return result

        result: T = await self.write(work)
        return result

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run `query(connection)` in a thread, on one snapshot."""

        def run() -> T:
            try:
                with self._readers.begin() as connection:
                    return query(connection)
            except (DBAPIError, exc.TimeoutError, OSError) as error:
                if (trouble := as_unavailable(error)) is None:
                    raise
                raise trouble from error

        if self._closed:
            raise StoreUnavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def keep(self, spooled: Spooled) -> Raw:
        """Take over a synced spool file; its content is then a blob that rows may point to."""
        try:
            raw = await asyncio.to_thread(self.blobs.keep, spooled)
        except OSError as error:
            raise StoreUnavailable(str(error)) from error
        await self.write(lambda connection, changes: _blob_row(connection, changes.new_id(), raw))
        return raw

    async def put(self, data: bytes) -> Raw:
        """Make bytes ready for rows that point to them: small ones come along, others are synced."""
        if len(data) <= SMALL:
            return Raw(hashlib.sha256(data).hexdigest(), len(data), data)
        try:
            spooled = await asyncio.to_thread(self.blobs.write, data)
        except OSError as error:
            raise StoreUnavailable(str(error)) from error
        return await self.keep(spooled)

    async def scrub(self) -> bool:
        """Leave nothing of what was deleted in the database's files; False if something may be left.

        PostgreSQL does it by itself, sooner or later (autovacuum).
        """
        return self._path is None or await asyncio.to_thread(scrub, self._path)

    async def settle_and_claim(
        self,
        settled: Sequence[Settlement],
        channel: str,
        clock: Callable[[], datetime],
        owner: str,
        lease: timedelta,
        limit: int,
        failpoint: Callable[[str], None] = _never,
        render: Render = _whole_message,
        noted: Callable[[Sequence[Delivery]], None] = _not_noted,
        *,
        in_order: bool = False,
    ) -> list[Delivery]:
        """Write how deliveries ended and take the next ones, in one transaction.

        `render` says in which pieces a message goes; each is a delivery, none before the one before.
        What is taken is `noted` in the writer's thread, before anybody else can look at it.
        """

        def work(connection: Connection, changes: Any) -> list[Delivery]:
            now = clock()
            if settled:
                outbox.settle(connection, changes, now, settled)
            if not limit:
                return []
            taken = outbox.claim(connection, channel, now, owner, lease, limit, in_order=in_order)
            if taken:
                failpoint("F4")
            pieces = parted(connection, changes, self._whole(connection, taken), render)
            noted(pieces)
            return pieces

        taken: list[Delivery] = await self.write(work)
        return taken

    def _whole(self, connection: Connection, taken: list[Delivery]) -> list[Delivery]:
        """What people wrote may have more than a text."""
        human = [delivery.message for delivery in taken if not delivery.automatic]
        if not human:
            return taken
        parts = enclosed.of(connection, human, self.blobs.path)
        return [
            d._replace(content=enclosed.enclose(d.content, parts[d.message]))
            if d.message in parts
            else d
            for d in taken
        ]

    async def recover(
        self, now: datetime, owner: str, under_way: Callable[[], Collection[int]] = tuple
    ) -> int:
        """Settle what a dead process left `sending`; returns how many rows.

        `under_way` names, in the writer's thread, what we are sending ourselves.
        """
        count: int = await self.write(
            lambda connection, changes: outbox.recover(connection, changes, now, owner, under_way)
        )
        return count


def _blob_row(connection: Connection, id_: int, raw: Raw) -> None:
    row = rows.Blob(id_, raw.sha256, raw.size, raw.data)
    insert(connection, [row])


def look(url: str, query: Callable[[Connection], T]) -> T:
    """Run one query beside whoever uses the store; nothing is made or changed.

    Raises StoreNotReady, StoreTooNew, StoreDamaged, StoreUnavailable.
    """
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise StoreNotReady(
            f"there is no {path} so far: `madoguchi run` makes it, unless [store] url should name"
            " another one"
        )
    engine = open_readers(url)
    try:
        with engine.begin() as connection:
            expect_ready(connection)
            return query(connection)
    except DBAPIError as error:
        raise _damaged(error, path) or as_unavailable(error) or error from error
    finally:
        engine.dispose()


def ping(url: str) -> str:
    """Open the store; "", or what the next start makes of it.

    Raises StoreUnavailable, StoreDamaged, StoreTooNew.
    """
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return "the next start makes it"
    engine = open_readers(url)
    try:
        if path is not None:
            _check(path, url, noted=0)
        with engine.connect() as connection:
            expect_ready(connection)
    except StoreNotReady:
        return "answers; the next start brings it up to date"
    except DBAPIError as error:
        raise _damaged(error, path) or as_unavailable(error) or error from error
    finally:
        engine.dispose()
    return ""


def prepare(url: str, failpoint: Callable[[str], None] = _never) -> bool:
    """Check the file, then migrate; returns whether the schema changed.

    Raises StoreDamaged, StoreTooNew, StoreUnavailable.
    """
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    engine, lock = open_writer(url), WriteLock(path)
    try:
        if path is not None:
            _check(path, url, lock.noted())
        with lock.held():
            return migrate(engine, failpoint)
    except DBAPIError as error:
        raise _damaged(error, path) or as_unavailable(error) or error from error
    finally:
        engine.dispose()
        lock.close()


def _check(path: Path, url: str, noted: int) -> None:
    """Read the file whole, if it is not too large, and see that nothing is missing at its end.

    Reading only: a daemon beside us goes on writing.
    """
    last = 0
    if path.exists():
        engine = open_readers(url)
        try:
            with engine.connect() as connection:
                if path.stat().st_size <= _CHECKED_WHOLE:
                    _check_pages(connection, path)
                last = last_id(connection)
        finally:
            engine.dispose()
    if last < noted:
        raise StoreDamaged(
            f"{path} ends at {last} but had come to {noted}: mail is missing. Please put the whole"
            f" database back, its -wal included; or, if an older copy is what you want, remove"
            f" {path}.write and start again."
        )


def _check_pages(connection: Connection, path: Path) -> None:
    found = connection.execute(text("PRAGMA integrity_check(1)")).scalar()
    if found != "ok":
        raise StoreDamaged(f"{path} is damaged: {found}. Please restore it from a backup.")


def _damaged(error: DBAPIError, path: Path | None) -> StoreDamaged | None:
    name = getattr(error.orig, "sqlite_errorname", "")
    if name == "SQLITE_NOTADB" or name.startswith("SQLITE_CORRUPT"):
        return StoreDamaged(f"{path} is damaged: {error.orig}. Please restore it from a backup.")
    return None


def lock_for_daemon(url: str) -> DaemonLock | None:
    """The lock of the one daemon on an SQLite store; several may share a PostgreSQL one."""
    path = sqlite_path(url)
    if path is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    return DaemonLock(path)
