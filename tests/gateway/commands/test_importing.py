"""Old mail comes in as history: all of it, once, and in silence."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.assembly import Parts
from gateway.commands import importing
from gateway.commands.importing import Tally, find
from tests.making import Desk, mail

OLD = datetime(2020, 1, 1, tzinfo=UTC)


def bare(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n")


def mbox(*mails: bytes, end: bytes = b"\n") -> bytes:
    return b"".join(
        b"From someone Tue Nov 24 12:00:00 2026" + end + raw.replace(b"\nFrom ", b"\n>From ") + end
        for raw in mails
    )


def raws(*paths: Path) -> list[bytes]:
    return [found.raw for found in find(paths)]


def test_an_mbox_gives_each_mail_as_it_was_written(tmp_path: Path) -> None:
    mails = [bare(mail(body=body)) for body in ("one", "From here on\n\nFrom there", "> From x")]
    (tmp_path / "old.mbox").write_bytes(mbox(*mails))
    assert raws(tmp_path / "old.mbox") == mails


def test_line_ends_of_any_kind(tmp_path: Path) -> None:
    mails = [mail(), mail()]
    (tmp_path / "old").write_bytes(mbox(*mails, end=b"\r\n"))
    assert raws(tmp_path) == mails


def test_a_line_from_in_the_middle_of_a_text_begins_no_mail(tmp_path: Path) -> None:
    raw = bare(mail(body="x\nFrom the start"))
    (tmp_path / "old").write_bytes(b"From a\n" + raw + b"\n")
    assert raws(tmp_path) == [raw]


def test_an_mbox_without_its_last_empty_line_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"From a\nSubject: x\n\nlast line")
    assert raws(tmp_path) == [b"Subject: x\n\nlast line"]


def maildir(folder: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    (folder / "cur" / "1:2,S").write_bytes(mail(subject="cur"))
    (folder / "new" / "2").write_bytes(mail(subject="new"))
    (folder / "tmp" / "3").write_bytes(b"half a ma")
    for name in ("dovecot-uidlist", "dovecot.index.log", "maildirsize", "subscriptions"):
        (folder / name).write_bytes(b"3 V1 N2\n")


def test_a_maildir_gives_its_mails_and_none_of_its_indexes(tmp_path: Path) -> None:
    maildir(tmp_path / "box")
    maildir(tmp_path / "box" / ".Sent")
    found = raws(tmp_path / "box")
    assert len(found) == 4
    assert not [raw for raw in found if b"Subject" not in raw]


def test_folders_of_mails_are_walked_and_hidden_and_empty_files_passed_over(tmp_path: Path) -> None:
    (tmp_path / "2024").mkdir()
    (tmp_path / "2024" / "a.eml").write_bytes(mail())
    (tmp_path / ".DS_Store").write_bytes(b"\0\1")
    (tmp_path / "Drafts").write_bytes(b"")
    assert len(raws(tmp_path)) == 1


def parts(desk: Desk) -> Parts:
    class Some:
        store, backlog, ingest = desk.store, desk.backlog, desk.ingest

    return cast("Parts", Some)


async def run(desk: Desk, *paths: Path) -> Tally:
    return await importing.run(parts(desk), paths, lambda _: None)


def archive(folder: Path, mails: int = 5) -> Path:
    folder.mkdir()
    for n in range(mails):
        (folder / f"{n}.eml").write_bytes(mail(f"c{n}@x.jp", subject=f"Old {n}"))
    return folder


async def test_everything_is_history_and_nothing_is_said(desk: Desk, tmp_path: Path) -> None:
    recent = mail(Date="Tue, 24 Nov 2026 11:59:00 +0900", vouched="example.jp")
    archive(tmp_path / "old")
    _write(tmp_path / "old" / "recent.eml", recent)
    assert await run(desk, tmp_path / "old") == Tally(imported=6)
    assert await desk.count("outbox") == 0
    assert {r["status"] for r in await desk.rows("SELECT status FROM cases")} == {"resolved"}
    assert desk.wire.sent == []


def _write(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)


async def test_a_second_run_adds_nothing(desk: Desk, tmp_path: Path) -> None:
    old = archive(tmp_path / "old")
    await run(desk, old)
    assert await run(desk, old, old) == Tally(known=10)
    assert await desk.count("messages") == 5


async def test_a_stopped_import_goes_on_where_it_was(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = archive(tmp_path / "old")
    one, calls = importing._one, 0

    async def stopped(*given: Any) -> Tally:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return await one(*given)

    with monkeypatch.context() as patch:
        patch.setattr(importing, "_one", stopped)
        with pytest.raises(KeyboardInterrupt):
            await importing.run(parts(desk), [old], lambda _: None)
    assert await run(desk, old) == Tally(imported=3, known=2)


async def test_the_same_mail_from_three_sources_is_one_message(desk: Desk, tmp_path: Path) -> None:
    raw = bare(mail())
    _write(tmp_path / "a.eml", raw)
    _write(tmp_path / "b.mbox", mbox(raw, bare(mail())))
    await desk.accept(raw.replace(b"\n", b"\r\n"))
    assert await run(desk, tmp_path / "a.eml", tmp_path / "b.mbox") == Tally(imported=1, known=2)
    assert await desk.count("messages WHERE direction = 'in'") == 2


DATES = {
    "its own": ("Wed, 1 Jan 2020 00:00:00 +0000", OLD),
    "none": ("", NOW := datetime(2026, 11, 1, tzinfo=UTC)),
    "before mail": ("Thu, 1 Jan 1970 00:00:00 +0000", NOW),
    "the future": ("Fri, 1 Jan 2100 00:00:00 +0000", NOW),
    "no date at all": ("yesterday", NOW),
}


@pytest.mark.parametrize(("written", "kept"), DATES.values(), ids=DATES)
async def test_a_mail_came_when_it_says_unless_that_cannot_be_t06(
    desk: Desk, tmp_path: Path, written: str, kept: datetime
) -> None:
    _write(tmp_path / "a.eml", mail(Date=written))
    os.utime(tmp_path / "a.eml", (NOW.timestamp(), NOW.timestamp()))
    await run(desk, tmp_path / "a.eml")
    row = await desk.one("SELECT received_at FROM messages")
    assert row["received_at"].startswith(kept.strftime("%Y-%m-%dT"))


async def test_what_cannot_be_read_is_kept_and_counted(desk: Desk, tmp_path: Path) -> None:
    desk.inline.unreadable = b"poison"
    _write(tmp_path / "a.eml", mail(body="poison"))
    assert await run(desk, tmp_path / "a.eml") == Tally(quarantined=1)
    assert await desk.count("blobs") == 1


async def test_a_large_mail_is_kept_as_a_file_and_the_spool_is_empty_then(
    desk: Desk, tmp_path: Path
) -> None:
    raw = mail(body="x" * 400_000)
    _write(tmp_path / "a.eml", raw)
    assert await run(desk, tmp_path / "a.eml") == Tally(imported=1)
    row = await desk.one(
        "SELECT b.size, b.data FROM messages m JOIN blobs b ON b.sha256 = m.raw_sha256"
    )
    assert row == {"size": len(raw), "data": None}
    assert desk.store.blobs.clear_spool() == 0
    assert await run(desk, tmp_path / "a.eml") == Tally(known=1)


async def test_progress_is_told_a_batch_at_a_time(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH", 2)
    told: list[Tally] = []
    await importing.run(parts(desk), [archive(tmp_path / "old")], told.append)
    assert [tally.imported for tally in told] == [2, 4, 5]
