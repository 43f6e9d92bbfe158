"""A damaged or shortened SQLite database is told at start; it never passes for an empty one."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from store.engine import StoreDamaged
from store.store import prepare
from tests.store.house import Site, arrival, ask, opened

PAGE = 4096


@pytest.fixture
async def crashed(sqlite: Site, tmp_path: Path) -> Path:
    """The files of a database as `kill -9` leaves them: mail in the WAL, nothing checkpointed."""
    prepare(sqlite.url)
    left = tmp_path / "left"
    left.mkdir()
    async with opened(sqlite) as store:
        for name in "abcde":
            await store.commit_inbound(arrival(name))
        for suffix in ("", "-wal", ".write"):
            shutil.copy(f"{tmp_path}/madoguchi.db{suffix}", left)
    return left / "madoguchi.db"


@pytest.fixture
async def settled(sqlite: Site, tmp_path: Path) -> Path:
    """A database that was closed in order, with mail on many pages."""
    prepare(sqlite.url)
    async with opened(sqlite) as store:
        for number in range(50):
            await store.commit_inbound(arrival(f"mail {number}"))
    return tmp_path / "madoguchi.db"


def _url(path: Path) -> str:
    return f"sqlite:///{path}"


async def test_what_a_crash_leaves_is_whole(crashed: Path) -> None:
    assert not prepare(_url(crashed))
    async with opened(Site(_url(crashed), crashed.parent)) as store:
        assert await ask(store, "SELECT count(*) FROM v_ledger") == [(5,)]


def test_a_shortened_wal_is_told(crashed: Path) -> None:
    """D31: SQLite itself takes what is left for the truth."""
    wal = crashed.with_name("madoguchi.db-wal")
    with wal.open("r+b") as file:
        file.truncate(wal.stat().st_size - PAGE)
    with pytest.raises(StoreDamaged, match="mail is missing"):
        prepare(_url(crashed))


def test_a_lost_wal_is_told(crashed: Path) -> None:
    crashed.with_name("madoguchi.db-wal").unlink()
    with pytest.raises(StoreDamaged, match="mail is missing"):
        prepare(_url(crashed))


def test_a_bit_that_flipped_in_the_wal_is_told(crashed: Path) -> None:
    wal = crashed.with_name("madoguchi.db-wal")
    _flip(wal, wal.stat().st_size // 2)
    with pytest.raises(StoreDamaged):
        prepare(_url(crashed))


@pytest.mark.parametrize("size", [0, PAGE])
def test_a_file_that_lost_its_content_is_no_new_database(settled: Path, size: int) -> None:
    with settled.open("r+b") as file:
        file.truncate(size)
    with pytest.raises(StoreDamaged):
        prepare(_url(settled))


def test_a_file_that_is_gone_is_no_new_database(settled: Path) -> None:
    settled.unlink()
    with pytest.raises(StoreDamaged, match="mail is missing"):
        prepare(_url(settled))
    assert not settled.exists()


def test_an_older_copy_is_taken_when_somebody_says_so(settled: Path) -> None:
    """The message names the file to remove, and removing it is enough."""
    settled.unlink()
    with pytest.raises(StoreDamaged) as told:
        prepare(_url(settled))
    named = settled.with_name("madoguchi.db.write")
    assert str(named) in str(told.value)
    named.unlink()
    assert prepare(_url(settled))


def test_a_page_that_is_damaged_is_told(settled: Path) -> None:
    """D31: one bit in the head of a page, for each table and each index."""
    with closing(sqlite3.connect(settled)) as connection:
        found = connection.execute("SELECT rootpage FROM sqlite_master WHERE rootpage > 0")
        roots = [row[0] for row in found]
    whole = settled.read_bytes()
    assert len(roots) > 30
    for root in roots:
        _flip(settled, (root - 1) * PAGE)
        with pytest.raises(StoreDamaged):
            prepare(_url(settled))
        settled.write_bytes(whole)
    assert not prepare(_url(settled))


def test_an_index_that_disagrees_with_its_table_is_told(settled: Path) -> None:
    """Or the same mail would be stored twice."""
    content = settled.read_bytes()
    places = [found.start() for found in re.finditer(b"print of mail 7", content)]
    assert len(places) == 2
    for at in places:
        settled.write_bytes(content[:at] + b"q" + content[at + 1 :])
        with pytest.raises(StoreDamaged):
            prepare(_url(settled))


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "madoguchi.db"
    path.write_bytes(b"Dear all, here are the minutes of the meeting. " * 200)
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match="not a database"):
        prepare(_url(path))
    assert path.read_bytes() == before


def _flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x40
    path.write_bytes(content)
