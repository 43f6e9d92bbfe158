"""Connections: SQLite with what durability asks for, PostgreSQL as it comes."""

from __future__ import annotations

import fcntl
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import Engine, create_engine, event, exc, make_url
from sqlalchemy.pool import QueuePool, StaticPool

from store.arrays import register

PATIENCE = 5.0  # seconds that we wait for a lock or a server before the peer is told to try again
READERS = 4  # connections that read at a time

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

# A server that went away without a word is noticed within PATIENCE or little more.
_POSTGRESQL = {
    "connect_timeout": int(PATIENCE),
    "application_name": "madoguchi",
    "keepalives_idle": int(PATIENCE),
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": int(PATIENCE * 1000),
}
# Another writer that hangs must not hang us; and a 250 stands for an fsync, whatever the server's
# own default for commits is. Where it can, it packs mails with lz4: its own way takes as long for
# one of 40 KB as all else that it does for it. To compile our short questions takes longer than
# to answer them.
_POSTGRESQL_SESSION = f"""
    SELECT set_config('jit', 'off', false),
           set_config('lock_timeout', '{PATIENCE:.0f}s', false),
           set_config('idle_in_transaction_session_timeout', '60s', false),
           CASE current_setting('synchronous_commit')
                WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END,
           (SELECT set_config(name, 'lz4', false) FROM pg_settings
            WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals))"""  # noqa: S608  our own words

# All that is asked on a message's path is found by an index. A server that has not counted its rows
# yet takes a table for empty, and reads the whole of it for each batch from then on.
_POSTGRESQL_WRITER = "SELECT set_config('enable_seqscan', 'off', false)"


class StoreUnavailable(Exception):
    """The store cannot take anything at present."""

    def __init__(self, detail: str = "", *, full: bool = False) -> None:
        super().__init__(detail or self.__doc__)
        self.full = full


class StoreInUse(Exception):
    """Another daemon works on this store."""


class StoreDamaged(Exception):
    """The database file is damaged; docs/operations.md says how to repair it."""


class StoreNotReady(Exception):
    """The store was not made or brought up to date so far; the next start of the daemon does it."""


class StoreTooNew(StoreDamaged):
    """A newer version of Madoguchi made this database; please run that one, or a newer one."""


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite URL; None for a server's."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return Path(parsed.database or "")


def open_writer(url: str) -> Engine:
    """An engine with the one connection that writes."""
    if sqlite_path(url) is None:
        writer = _postgresql(url, pool_size=1, isolation_level="READ COMMITTED")
        _set(writer, _POSTGRESQL_WRITER)
        return writer
    engine = create_engine(
        url, poolclass=StaticPool, hide_parameters=True, connect_args=_sqlite_arguments()
    )
    _prepare(engine, _SQLITE_PRAGMAS, begin="BEGIN IMMEDIATE")
    return engine


def open_readers(url: str) -> Engine:
    """An engine whose connections cannot write; each reads one snapshot per transaction."""
    if sqlite_path(url) is None:
        readers = _postgresql(url, pool_size=READERS, isolation_level="REPEATABLE READ")
        return readers.execution_options(postgresql_readonly=True)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=READERS,
        hide_parameters=True,
        connect_args=_sqlite_arguments(),
    )
    _prepare(engine, (*_SQLITE_PRAGMAS[2:4], "PRAGMA query_only = ON"), begin="BEGIN")
    return engine


def _sqlite_arguments() -> dict[str, Any]:
    return {
        "check_same_thread": False,
        "isolation_level": None,
        "timeout": PATIENCE,
        "cached_statements": 1024,  # one a table and number of rows
    }


def _postgresql(url: str, **options: Any) -> Engine:
    engine = create_engine(
        url,
        max_overflow=0,
        pool_timeout=PATIENCE,
        pool_pre_ping=True,
        hide_parameters=True,  # they are what customers wrote
        connect_args=_POSTGRESQL,
        **options,
    )

    event.listen(engine, "connect", lambda connection, _: register(connection))
    _set(engine, _POSTGRESQL_SESSION)
    return engine


def _set(engine: Engine, session: str) -> None:
    """Let each connection of PostgreSQL begin with these settings."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _: object) -> None:
        connection.execute(session)
        connection.commit()


def breaker(*engines: Engine) -> Callable[[], None]:
    """A function that cuts all connections of these engines.

    Whoever waits for a server that neither answers nor goes away gets an error at last.
    """
    living: WeakSet[Any] = WeakSet()
    for engine in engines:
        if engine.dialect.name == "postgresql":
            # Before anything is asked: a pooler takes connections while its server is away.
            event.listen(
                engine, "connect", lambda connection, _: living.add(connection), insert=True
            )

    def cut() -> None:
        for connection in tuple(living):
            with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

    return cut


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
    if isinstance(error, exc.TimeoutError):
        return StoreUnavailable("every connection to the store is in use")
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        return _sqlite_trouble(original)
    if isinstance(original, Exception) and type(original).__module__.startswith("psycopg"):
        return _postgresql_trouble(original)
    return StoreUnavailable(str(error)) if isinstance(original, OSError) else None


_ROW_AT_FAULT = {"DataError", "IntegrityError", "ProgrammingError"}


def _sqlite_trouble(error: sqlite3.Error) -> StoreUnavailable | None:
    name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
    # SQLITE_ERROR is a statement that will not do, and errors without a name are the driver's own.
    wrong = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.ProgrammingError)
    if isinstance(error, wrong) or name == "SQLITE_ERROR":
        return None
    return StoreUnavailable(f"{name}: {error}", full=name in _FULL)


def _postgresql_trouble(error: Exception) -> StoreUnavailable | None:
    state = getattr(error, "sqlstate", None) or ""
    # Class 22 and 23: this row is wrong. 42: our SQL is. What the driver refuses before it is sent
    # (NUL in a text) has the same classes and no state. All else is the server's state.
    if state[:2] in {"22", "23", "42"} or (not state and type(error).__name__ in _ROW_AT_FAULT):
        return None
    told = str(error).strip().splitlines() or [type(error).__name__]
    return StoreUnavailable(f"{state} {told[0]}".strip(), full=state in _FULL)


class WriteLock:
    """One writing transaction at a time, checkpoints included, across processes.

    SQLite from 3.7.0 to 3.51.2 can damage a database when one connection writes while another
    checkpoints (the WAL-reset bug); under this lock that cannot happen. PostgreSQL needs no file.

    The file also remembers how far the database had come: SQLite takes a lost or shortened WAL, or
    a database without octets, for an older truth, and nobody would miss the mail that was in it.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else _opened(_beside(path, "write"))

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

    def note(self, last_id: int) -> None:
        """Remember the last id given out, once its transaction is durable."""
        if self._file is not None:
            with suppress(OSError):  # the transaction is what counts; the next one notes again
                os.pwrite(self._file.fileno(), b"%020d\n" % last_id, 0)

    def noted(self) -> int:
        """The last id ever noted; 0 for a new database."""
        found = b"" if self._file is None else os.pread(self._file.fileno(), 20, 0)
        return int(found) if found.isdigit() else 0

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _opened(path: Path) -> FileIO:
    """A file to read and write, made if need be; what is in it stays."""
    return FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b")


def _beside(path: Path, suffix: str) -> Path:
    """A file that goes with a database, by whatever link the database was named."""
    real = path.resolve()
    return real.with_name(f"{real.name}.{suffix}")


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
        self._file = _beside(path, "daemon").open("ab")
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise StoreInUse(f"another daemon works on {path}") from None

    def release(self) -> None:
        self._file.close()
