"""One thread writes for all: nobody pays for a neighbour, and trouble passes by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from normalizer.message import (
    Address,
    Bounce,
    Claim,
    FailedRecipient,
    Identity,
    Part,
    Transport,
)
from store import engine as engines
from store import rows
from store.bulk import insert
from store.engine import StoreUnavailable, open_writer
from store.known import Accepted, Arrival, Author, Changes
from store.store import Store, prepare
from tests.bench.host import children
from tests.daemon.servers import Postgres
from tests.store.house import Site, arrival, ask, opened


def _nul() -> Arrival:
    return arrival("nul\0inside")


def _half_a_pair() -> Arrival:
    good = arrival("surrogate")
    return replace(good, unit="surrogate \ud83d", author=good.author._replace(name="\udc00"))


def _falls(connection: Connection, changes: Changes) -> None:
    raise ZeroDivisionError


def _inserts_twice(connection: Connection, changes: Changes) -> None:
    event = rows.Event(changes.new_id(), "poison", None, "", "{}")
    insert(connection, [event, event])


def _points_nowhere(connection: Connection, changes: Changes) -> None:
    """SQLite finds this out at the commit only."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
    insert(connection, [rows.Conversation(changes.new_id(), 4711, "")])


def _speaks_nonsense(connection: Connection, changes: Changes) -> None:
    connection.execute(text("SELECT nothing FROM nowhere"))


@pytest.mark.parametrize(
    "poison", [_falls, _inserts_twice, _points_nowhere, _speaks_nonsense], ids=lambda f: f.__name__
)
async def test_a_poisoned_job_never_fails_its_neighbours(store: Store, poison: Any) -> None:
    jobs = [store.commit_inbound(arrival(f"before {n}")) for n in range(3)]
    jobs.append(store.write(poison))
    jobs += [store.commit_inbound(arrival(f"after {n}")) for n in range(3)]
    ends = await asyncio.gather(*jobs, return_exceptions=True)
    assert [isinstance(end, Accepted) for end in ends] == [True] * 3 + [False] + [True] * 3
    assert isinstance(ends[3], Exception)
    assert not isinstance(ends[3], StoreUnavailable)
    assert await ask(store, "SELECT count(*) FROM v_ledger") == [(6,)]
    assert store.takes_mail()


@pytest.mark.parametrize("poison", [_nul, _half_a_pair], ids=lambda f: f.__name__)
async def test_text_that_no_database_takes_poisons_nobody(store: Store, poison: Any) -> None:
    ends = await asyncio.gather(
        store.commit_inbound(arrival("before")),
        store.commit_inbound(poison()),
        store.commit_inbound(arrival("after")),
        return_exceptions=True,
    )
    assert isinstance(ends[0], Accepted)
    assert isinstance(ends[2], Accepted)
    assert not isinstance(ends[1], StoreUnavailable)


ODD = "a\0b \ud800 \udfff 返品 \U0001f338"


@pytest.mark.parametrize(
    "wrote",
    [
        {"subject": ODD, "base_subject": ODD, "text": ODD, "reply_text": "\0"},
        {"message_id": ODD, "in_reply_to": ODD, "references": (ODD,), "mentions": (ODD,)},
        {
            "from_": (Address(ODD, ODD),),
            "to": (Address(ODD, ODD),),
            "reply_to": (Address("", ODD),),
        },
        {"claims": (Claim("from", Identity("email", "yuki@example.jp"), ODD),)},
        {"unreadable": ODD, "defects": (ODD,)},
        {
            "parts": (
                Part(role="text", content_type=ODD, size=1, sha256="0", data=b"x", filename=ODD),
            )
        },
        {"bounce": Bounce((FailedRecipient(ODD, ODD, ODD, ODD),), original_message_id=ODD)},
    ],
    ids=lambda wrote: next(iter(wrote)),
)
async def test_what_customers_write_is_stored_whatever_the_octets(store: Store, wrote: Any) -> None:
    await store.commit_inbound(arrival("somebody whom we know"))
    good = arrival("octets")
    assert good.message is not None
    author = Author(Identity("email", "yuki@example.jp"), ODD, True)
    transport = Transport(helo=ODD, sender=ODD, recipients=(ODD,))
    message = replace(good.message, **wrote)
    odd = replace(good, message=message, author=author, transport=transport)
    assert (await store.commit_inbound(odd)).message
    stored = await ask(store, "SELECT * FROM v_messages")
    assert not any("\0" in str(value) for row in stored for value in row)


async def test_jobs_that_wait_share_one_commit(store: Store, monkeypatch: Any) -> None:
    held = asyncio.Event()
    loop, batches = asyncio.get_running_loop(), list[int]()
    transaction = store._writer._transaction

    def counted(batch: Any) -> Any:
        batches.append(len(batch))
        return transaction(batch)

    monkeypatch.setattr(store._writer, "_transaction", counted)
    begun = asyncio.Event()

    def hold(*_: Any) -> None:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(held.wait(), loop).result(60)

    first = store.write(hold)
    await asyncio.wait_for(begun.wait(), 60)
    others = [store.commit_inbound(arrival(f"mail {n}")) for n in range(50)]
    held.set()
    await asyncio.gather(first, *others)
    assert max(batches) >= 50


async def test_after_the_end_nobody_waits_in_vain(site: Site) -> None:
    async with opened(site) as store:
        last = store.commit_inbound(arrival("last"))
    assert (await last).outcome == "accepted"
    with pytest.raises(StoreUnavailable):
        await store.commit_inbound(arrival("too late"))
    with pytest.raises(StoreUnavailable):
        await ask(store, "SELECT 1")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience of a tenth of a second, for whatever is waited for."""
    monkeypatch.setattr(engines, "PATIENCE", 0.1)
    pragmas = tuple(p.replace("5000", "100") for p in engines._SQLITE_PRAGMAS)
    monkeypatch.setattr(engines, "_SQLITE_PRAGMAS", pragmas)
    session = engines._POSTGRESQL_SESSION.replace("'5s'", "'100ms'")
    monkeypatch.setattr(engines, "_POSTGRESQL_SESSION", session)


@contextmanager
def _locked(site: Site) -> Iterator[None]:
    """Somebody else is in the middle of a transaction."""
    writer = open_writer(site.url)
    try:
        with writer.begin() as connection:
            connection.execute(text("UPDATE counters SET value = value"))
            yield
    finally:
        writer.dispose()


async def test_a_locked_store_is_waited_for(store: Store, site: Site) -> None:
    with _locked(site):
        job = store.commit_inbound(arrival("patient"))
        assert not (await asyncio.wait([asyncio.ensure_future(job)], timeout=0.2))[0]
    assert (await job).outcome == "accepted"


@pytest.mark.usefixtures("hasty")
async def test_a_store_locked_for_long_is_trouble_that_passes(site: Site) -> None:
    async with opened(site) as store:
        with _locked(site):
            jobs = [store.commit_inbound(arrival(f"mail {n}")) for n in range(5)]
            ends = await asyncio.gather(*jobs, return_exceptions=True)
            assert all(isinstance(end, StoreUnavailable) for end in ends)
            assert not store.takes_mail()
        assert (await store.commit_inbound(arrival("mail 0"))).outcome == "accepted"
        assert store.takes_mail()
        assert await ask(store, "SELECT count(*) FROM v_ledger") == [(1,)]


async def test_a_commit_that_fails_fails_all_who_share_it(postgresql: Site) -> None:
    prepare(postgresql.url)

    def dies(connection: Connection, changes: Changes) -> None:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    async with opened(postgresql) as store:
        jobs = [store.commit_inbound(arrival("one")), store.write(dies)]
        ends = await asyncio.gather(*jobs, return_exceptions=True)
        assert isinstance(ends[1], StoreUnavailable)
        found = await ask(store, "SELECT count(*) FROM v_ledger")
        assert found == [(int(isinstance(ends[0], Accepted)),)]
        assert (await store.commit_inbound(arrival("two"))).outcome == "accepted"


async def test_connections_that_the_server_ended_are_replaced(postgresql: Site) -> None:
    """Readers never notice; a writer notices once."""
    prepare(postgresql.url)
    async with opened(postgresql) as store:
        await store.commit_inbound(arrival("before"))
        assert len(await ask(store, "SELECT * FROM v_ledger")) == 1
        _end_all_sessions(postgresql)
        assert len(await ask(store, "SELECT * FROM v_ledger")) == 1
        with suppress(StoreUnavailable):
            await store.commit_inbound(arrival("meanwhile"))
        assert (await store.commit_inbound(arrival("after"))).outcome == "accepted"


def _end_all_sessions(site: Site) -> None:
    engine = open_writer(site.url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()


async def test_a_server_that_says_nothing_does_not_keep_us_from_closing(
    server: Postgres, postgresql: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(postgresql.url)
    monkeypatch.setattr("store.store._LAST_PATIENCE", 0.1)
    monkeypatch.setitem(engines._POSTGRESQL, "connect_timeout", 2)
    async with opened(postgresql) as store:
        await store.commit_inbound(arrival("before"))
        await ask(store, "SELECT 1")
        with _frozen(server):
            reading = asyncio.ensure_future(ask(store, "SELECT 1"))
            writing = asyncio.ensure_future(store.commit_inbound(arrival("meanwhile")))
            assert not (await asyncio.wait([reading, writing], timeout=0.2))[0]
            async with asyncio.timeout(60):
                await store.close()
            with pytest.raises(StoreUnavailable):
                await writing
        with suppress(StoreUnavailable):
            await reading


async def test_a_pooler_that_waits_for_its_server_does_not_keep_us_from_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the connection, and says nothing to the first question."""
    monkeypatch.setattr("store.store._LAST_PATIENCE", 0.1)
    asked = asyncio.Event()

    async def pool(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while await _begun(reader) != _STARTUP:
                writer.write(b"N")  # neither TLS nor GSSAPI
            writer.write(_WELCOME)
            await reader.readexactly(1)
            asked.set()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(pool, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        opened(Site(f"postgresql+psycopg://m@127.0.0.1:{port}/m", tmp_path)) as store,
    ):
        reading = asyncio.ensure_future(ask(store, "SELECT 1"))
        async with asyncio.timeout(60):
            await asked.wait()
            await store.close()
        with pytest.raises(StoreUnavailable):
            await reading


_STARTUP = 3 << 16  # version 3.0 of the protocol
_WELCOME = b"R" + struct.pack("!ii", 8, 0) + b"Z" + struct.pack("!i", 5) + b"I"


async def _begun(reader: asyncio.StreamReader) -> int:
    """What a client wants first: to begin a session, or something else before."""
    size, code = struct.unpack("!ii", await reader.readexactly(8))
    await reader.readexactly(size - 8)
    return int(code)


@contextmanager
def _frozen(server: Postgres) -> Iterator[None]:
    """PostgreSQL holds its connections, and its breath."""
    family = children(server.process.pid)
    try:
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)


async def test_a_full_disk_is_trouble_that_passes(small_disk: Path) -> None:
    """D12, D13: what was accepted stays, and nothing else does."""
    site = Site(f"sqlite:///{small_disk / 'madoguchi.db'}", small_disk)
    prepare(site.url)
    accepted, trouble = 0, None
    async with opened(site) as store:
        ballast = small_disk / "ballast"
        ballast.write_bytes(b"x" * 2**20)
        while trouble is None:
            try:
                await store.commit_inbound(arrival(f"mail {accepted}"))
                accepted += 1
            except StoreUnavailable as error:
                trouble = error
        assert trouble.full
        assert await ask(store, "SELECT count(*) FROM v_ledger") == [(accepted,)]
        ballast.unlink()
        assert (await store.commit_inbound(arrival("room again"))).outcome == "accepted"
    with closing(sqlite3.connect(small_disk / "madoguchi.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM v_ledger").fetchone() == (accepted + 1,)
