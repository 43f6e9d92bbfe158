"""No row ever points to bytes that are not there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from normalizer.message import Spooled
from store.blobs import Blobs
from store.engine import StoreUnavailable
from store.store import Store, low_on_disk
from tests.store.house import Site, ask, opened

LARGE = bytes(range(256)) * 2000


class Crash(BaseException):
    """The process ends here."""


def _die_at(passage: int) -> Iterator[None]:
    for number in range(1, passage + 1):
        if number == passage:
            raise Crash
        yield


def _spooled(folder: Path, data: bytes = LARGE, name: str = "part") -> Spooled:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return Spooled(str(path), len(data), hashlib.sha256(data).hexdigest())


async def _missing(store: Store) -> list[str]:
    """Rows whose bytes are not there, or are others."""
    large = await ask(store, "SELECT sha256, size FROM blobs WHERE data IS NULL")
    wrong = []
    for sha256, size in large:
        path = store.blobs.path(sha256)
        data = path.read_bytes() if path.exists() else b""
        if (hashlib.sha256(data).hexdigest(), len(data)) != (sha256, size):
            wrong.append(sha256)
    return wrong


async def test_large_bytes_become_a_file_by_their_hash(store: Store) -> None:
    raw = await store.keep(_spooled(store.blobs.spool))
    assert raw.data is None
    assert store.blobs.path(raw.sha256).read_bytes() == LARGE
    assert await ask(store, "SELECT size FROM blobs") == [(len(LARGE),)]
    assert await _missing(store) == []
    assert list(store.blobs.spool.iterdir()) == []


async def test_the_same_content_twice_is_one_file_and_one_row(store: Store) -> None:
    for name in ("one", "two"):
        await store.keep(_spooled(store.blobs.spool, name=name))
    assert await ask(store, "SELECT count(*) FROM blobs") == [(1,)]
    files = [path for path in store.blobs.folder.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert list(store.blobs.spool.iterdir()) == []


async def test_a_blob_that_is_kept_already_stays_where_it_is(store: Store) -> None:
    """What is read again from quarantine comes as its own blob."""
    raw = await store.keep(_spooled(store.blobs.spool))
    path = store.blobs.path(raw.sha256)
    assert await store.keep(Spooled(str(path), raw.size, raw.sha256)) == raw
    assert path.read_bytes() == LARGE


@pytest.mark.parametrize("passage", [1, 2])
async def test_a_crash_around_the_rename_leaves_no_row_without_bytes(
    site: Site, passage: int
) -> None:
    """F13: before the file has its name, and before the row is written."""
    left = iter(_die_at(passage))
    async with opened(site, lambda name: next(left) if name == "F13" else None) as store:
        with pytest.raises(Crash):
            await store.keep(_spooled(store.blobs.spool))
    async with opened(site) as store:
        store.blobs.clear_spool()
        assert await ask(store, "SELECT count(*) FROM blobs") == [(0,)]
        await store.keep(_spooled(store.blobs.spool, name="again"))
        assert await _missing(store) == []


def test_what_a_crash_left_in_the_spool_is_cleared_at_start(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, lambda _: None)
    _spooled(blobs.spool, name="mail-1.part")
    _spooled(blobs.spool, name="part-2")
    assert blobs.clear_spool() == 2
    assert list(blobs.spool.iterdir()) == []


async def test_a_spool_file_that_cannot_be_taken_over_is_trouble_of_ours(store: Store) -> None:
    with pytest.raises(StoreUnavailable):
        await store.keep(Spooled(str(store.blobs.spool / "gone"), 4, "0" * 64))


@pytest.mark.parametrize(
    ("free", "total", "low"),
    [(300, 10_000, False), (199, 10_000, True), (3, 40, False), (1, 40, True)],
)
def test_a_disk_is_low_below_the_mark_or_a_twentieth_of_a_small_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, total: int, low: bool
) -> None:
    disk = SimpleNamespace(f_blocks=total, f_bavail=free, f_frsize=2**20)
    monkeypatch.setattr("os.statvfs", lambda _: disk)
    assert low_on_disk(tmp_path, 200 * 2**20) == low
