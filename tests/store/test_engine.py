"""Connections, locks, and what a database's trouble means to whoever waits."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import exc

from store import engine as engines
from store.engine import (
    DaemonLock,
    StoreInUse,
    StoreUnavailable,
    WriteLock,
    as_unavailable,
    open_readers,
    open_writer,
)
from store.store import Store, lock_for_daemon, ping, prepare
from tests.daemon.servers import Postgres
from tests.store.house import Site, answer, arrival, ask, opened


def _sqlite_error(kind: type[sqlite3.Error], name: str) -> sqlite3.Error:
    error = kind("what happened")
    error.sqlite_errorname = name
    return error


def _wrapped(kind: type[exc.DBAPIError], original: Exception) -> exc.DBAPIError:
    return kind("SELECT 1", {}, original)


@pytest.mark.parametrize(
    "name",
    ["SQLITE_BUSY", "SQLITE_FULL", "SQLITE_IOERR_FSYNC", "SQLITE_CANTOPEN", "SQLITE_CORRUPT"],
)
def test_trouble_of_an_sqlite_store_is_told_as_such(name: str) -> None:
    original = _sqlite_error(sqlite3.OperationalError, name)
    trouble = as_unavailable(_wrapped(exc.OperationalError, original))
    assert trouble is not None
    assert name in str(trouble)
    assert trouble.full == (name == "SQLITE_FULL")


@pytest.mark.parametrize(
    ("state", "full"), [("57P01", False), ("53100", True), ("53300", False), ("55P03", False)]
)
def test_trouble_of_a_postgresql_store_is_told_as_such(state: str, full: bool) -> None:
    original = psycopg.errors.lookup(state)("what happened\nat length")
    trouble = as_unavailable(_wrapped(exc.OperationalError, original))
    assert trouble is not None
    assert str(trouble) == f"{state} what happened"
    assert trouble.full == full


@pytest.mark.parametrize(
    "error",
    [
        _wrapped(exc.IntegrityError, _sqlite_error(sqlite3.IntegrityError, "SQLITE_CONSTRAINT")),
        _wrapped(exc.OperationalError, _sqlite_error(sqlite3.OperationalError, "SQLITE_ERROR")),
        _wrapped(exc.InterfaceError, sqlite3.InterfaceError("Error binding parameter 3")),
        _wrapped(exc.DataError, psycopg.DataError("text fields cannot contain NUL")),
        _wrapped(exc.IntegrityError, psycopg.errors.UniqueViolation("twice")),
        _wrapped(exc.ProgrammingError, psycopg.errors.UndefinedTable("none")),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
        ValueError("a rule fell over it"),
    ],
)
def test_a_row_at_fault_is_no_trouble_of_the_store(error: Exception) -> None:
    assert as_unavailable(error) is None


def test_a_pool_that_is_used_up_is_trouble() -> None:
    assert as_unavailable(exc.TimeoutError("QueuePool limit")) is not None


async def test_a_reader_sees_one_moment_however_often_it_looks(store: Store, site: Site) -> None:
    await store.commit_inbound(arrival("before"))
    readers, count = open_readers(site.url), "SELECT count(*) FROM v_ledger"
    with readers.begin() as connection:
        assert answer(connection, count) == [(1,)]
        await store.commit_inbound(arrival("meanwhile"))
        assert answer(connection, count) == [(1,)]
    readers.dispose()
    assert await ask(store, count) == [(2,)]


def test_one_transaction_at_a_time_writes_or_checkpoints(
    sqlite: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D32: across processes, which see only the file."""
    monkeypatch.setattr(engines, "PATIENCE", 0.05)
    one, two = (WriteLock(tmp_path / "madoguchi.db") for _ in range(2))
    with one.held(), pytest.raises(StoreUnavailable), two.held():
        pytest.fail("both hold the lock")
    with two.held():
        two.note(7)
    assert one.noted() == 7
    one.close()
    two.close()


async def test_nothing_is_checkpointed_while_another_process_writes(
    sqlite: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D32: this is what the WAL-reset bug of SQLite up to 3.51.2 needs."""
    prepare(sqlite.url)
    path = tmp_path / "madoguchi.db"
    async with opened(sqlite) as store:
        await store.commit_inbound(arrival("one"))
        other = WriteLock(path)
        monkeypatch.setattr(engines, "PATIENCE", 0.05)
        with other.held():
            before = path.read_bytes()
            store._writer._checkpoint()
            assert path.read_bytes() == before
            with pytest.raises(StoreUnavailable):
                await store.commit_inbound(arrival("two"))
        store._writer._checkpoint()
        assert path.read_bytes() != before
        other.close()


def test_a_second_daemon_is_refused_by_whatever_name_it_calls_the_file(tmp_path: Path) -> None:
    """D27"""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    first = DaemonLock(tmp_path / "real" / "madoguchi.db")
    with pytest.raises(StoreInUse, match="another daemon"):
        lock_for_daemon(f"sqlite:///{tmp_path}/link/madoguchi.db")
    first.release()
    again = lock_for_daemon(f"sqlite:///{tmp_path}/link/madoguchi.db")
    assert again is not None
    again.release()


def test_sqlite_syncs_each_commit(sqlite: Site) -> None:
    writer = open_writer(sqlite.url)
    with writer.connect() as connection:
        assert answer(connection, "PRAGMA journal_mode") == [("wal",)]
        assert answer(connection, "PRAGMA synchronous") == [(2,)]
    writer.dispose()


def test_postgresql_commits_durably_whatever_its_default_is(server: Postgres) -> None:
    url = server.create("careless")
    with psycopg.connect(server.dsn("careless"), autocommit=True) as owner:
        owner.execute("ALTER DATABASE careless SET synchronous_commit = off")
        owner.execute("ALTER DATABASE careless SET default_transaction_isolation = serializable")
    writer = open_writer(url)
    with writer.begin() as connection:
        assert answer(connection, "SHOW synchronous_commit") == [("on",)]
        assert answer(connection, "SHOW default_toast_compression") == [("lz4",)]
        assert answer(connection, "SHOW enable_seqscan") == [("off",)]
        assert answer(connection, "SHOW transaction_isolation") == [("read committed",)]
        assert answer(connection, "SHOW lock_timeout") == [("5s",)]
    writer.dispose()


def test_a_store_that_does_not_answer_is_told_with_its_reason(
    tmp_path: Path, postgresql: Site
) -> None:
    ping(f"sqlite:///{tmp_path / 'not made yet'}")
    ping(postgresql.url)
    with pytest.raises(StoreUnavailable, match="does not exist"):
        ping(f"{postgresql.url}-else")
