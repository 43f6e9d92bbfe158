"""Connections: SQLite with what durability asks for, PostgreSQL as it comes."""

from __future__ import annotations

import fcntl
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

PATIENCE = 5.0  # seconds that we wait for a lock or a server before the peer is told to try again

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # the fsync that a 250 stands for
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}",
    "PRAGMA wal_autocheckpoint = 0",  # the writer does it, after it has answered
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16384",
)
_FULL = {"SQLITE_FULL", "53100"}


class StoreUnavailable(Exception):
    """The store cannot take anything at present."""

    def __init__(self, detail: str = "", *, full: bool = False) -> None:
        super().__init__(detail or self.__doc__)
        self.full = full


class StoreInUse(Exception):
    """Another daemon works on this store."""


class StoreDamaged(Exception):
    """The database file is damaged; docs/operations.md says how to repair it."""


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite URL; None for a server's."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return Path(parsed.database or "")


def open_writer(url: str) -> Engine:
    """An engine with the one connection that writes."""
    if sqlite_path(url) is None:
        return _postgresql(url, pool_size=1)
    engine = create_engine(url, poolclass=StaticPool, connect_args=_sqlite_arguments())
    _prepare(engine, _SQLITE_PRAGMAS, begin="BEGIN IMMEDIATE")
    return engine


def open_readers(url: str) -> Engine:
    """An engine whose connections cannot write; each reads one snapshot per transaction."""
    if sqlite_path(url) is None:
        return _postgresql(url, pool_size=4)
    engine = create_engine(url, poolclass=QueuePool, pool_size=4, connect_args=_sqlite_arguments())
    _prepare(engine, (*_SQLITE_PRAGMAS[2:4], "PRAGMA query_only = ON"), begin="BEGIN")
    return engine


def _sqlite_arguments() -> dict[str, Any]:
    return {"check_same_thread": False, "isolation_level": None, "timeout": PATIENCE}


def _postgresql(url: str, pool_size: int) -> Engine:
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=PATIENCE,
        pool_pre_ping=True,
        connect_args={"connect_timeout": int(PATIENCE), "application_name": "madoguchi"},
    )


def _prepare(engine: Engine, pragmas: tuple[str, ...], begin: str) -> None:
    """Set the pragmas of each connection; begin transactions ourselves.

    The driver's own way begins a deferred transaction at the first write: two of them that read
    first lose updates in silence.
    """

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _: object) -> None:
        for pragma in pragmas:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)


def as_unavailable(error: BaseException) -> StoreUnavailable | None:
    """What a database's trouble means to a sender; None where a row is at fault, not the store."""
    if isinstance(error, StoreUnavailable):
        return error
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        name = getattr(original, "sqlite_errorname", "")
        if isinstance(
            original, sqlite3.OperationalError | sqlite3.DatabaseError
        ) and not isinstance(
            original, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.DataError
        ):
            return StoreUnavailable(name, full=name in _FULL)
        return None
    if isinstance(error, DBAPIError) and type(original).__module__.startswith("psycopg"):
        return _postgresql_trouble(error)
    return StoreUnavailable(str(error)) if isinstance(original, OSError) else None


def _postgresql_trouble(error: DBAPIError) -> StoreUnavailable | None:
    state = getattr(error.orig, "sqlstate", None) or ""
    # Class 22 and 23: this row is wrong. 42: our SQL is. All else is the server's state.
    if state[:2] in {"22", "23", "42"}:
        return None
    return StoreUnavailable(state or type(error.orig).__name__, full=state in _FULL)


class WriteLock:
    """One writing transaction at a time, checkpoints included, across processes.

    SQLite from 3.7.0 to 3.51.2 can damage a database when one connection writes while another
    checkpoints (the WAL-reset bug); under this lock that cannot happen. PostgreSQL needs no file.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.with_name(path.name + ".write").open("ab")

    @contextmanager
    def held(self) -> Iterator[None]:
        if self._file is None:
            yield
            return
        _flock(self._file.fileno(), PATIENCE)
        try:
            yield
        finally:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_UN)


def _flock(descriptor: int, patience: float) -> None:
    give_up = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise StoreUnavailable("another process is writing") from None
            time.sleep(0.005)


class DaemonLock:
    """Held for a daemon's life, so that two never deliver from one SQLite store."""

    def __init__(self, path: Path) -> None:
        self._file = path.with_name(path.name + ".daemon").open("ab")
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise StoreInUse(f"another daemon works on {path}") from None

    def release(self) -> None:
        self._file.close()
