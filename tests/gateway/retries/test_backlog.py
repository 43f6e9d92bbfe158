"""What could not be read when it came is read later, in place, and moved to its author."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gateway import ingest
from gateway import readers as readers_module
from gateway.admit import Admission
from gateway.readers import ReaderDied, Readers, TooSlow
from gateway.retries import backlog
from tests.making import DESK, Desk, mail, opened, until


async def statuses(desk: Desk) -> list[str]:
    found = await desk.rows("SELECT status FROM v_messages WHERE direction = 'in' ORDER BY id")
    return [row["status"] for row in found]


async def unread(desk: Desk, *mails: bytes) -> list[int]:
    desk.inline.troubles = [TooSlow() for _ in mails]
    return [(await desk.accept(raw)).message for raw in mails]


async def read_all(desk: Desk) -> None:
    task = asyncio.create_task(desk.backlog.run())

    async def holds() -> bool:
        return "unread" not in await statuses(desk)

    await until(holds)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_unread_mail_is_read_by_itself_and_acknowledged_then(desk: Desk) -> None:
    ids = await unread(desk, mail(), mail("bob@example.org"))
    assert await desk.count("outbox") == 0
    await read_all(desk)
    assert await desk.count("outbox") == 2
    assert [(await desk.decision(i))["outcome"] for i in ids] == ["sent", "sent"]


@pytest.mark.parametrize("where", ["before the store", "in its transaction"])
async def test_a_message_that_our_rules_fall_over_is_taken_and_read_later_r8(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A messenger would bring it for ever, and behind it all that was written since."""

    def fall(*_: Any, **__: Any) -> Any:
        raise KeyError("a defect of ours")

    with monkeypatch.context() as patch:
        if where == "before the store":
            patch.setattr(ingest, "resolve", fall)
        else:
            patch.setattr(Admission, "_read", fall)
        assert (await desk.accept(mail())).outcome == "accepted"
        assert await statuses(desk) == ["unread"]
    await read_all(desk)
    assert await statuses(desk) == ["stored"]
    assert await desk.count("outbox") == 1


async def test_an_unread_copy_of_a_read_mail_gives_its_receipt_to_it(desk: Desk) -> None:
    raw = mail()
    (waiting,) = await unread(desk, raw)
    read = await desk.accept(raw)
    await read_all(desk)
    assert await desk.count("messages WHERE direction = 'in'") == 1
    assert {r["message_id"] for r in await desk.rows("SELECT message_id FROM ledger")} == {
        read.message
    }
    assert waiting != read.message
    assert await desk.count("outbox") == 1


async def test_what_kills_its_reader_is_quarantined_and_opens_a_case(desk: Desk) -> None:
    await unread(desk, mail())
    desk.inline.troubles = [ReaderDied()]
    await read_all(desk)
    assert await statuses(desk) == ["quarantined"]
    case = await desk.one(
        "SELECT c.status, m.raw_sha256 AS raw FROM messages m JOIN cases c ON c.id = m.case_id"
    )
    assert case["status"] == "new"
    assert await desk.count(f"blobs WHERE sha256 = '{case['raw']}'") == 1
    assert await desk.count("outbox") == 0
    assert await desk.rows("SELECT 1 FROM v_events WHERE type = 'message.quarantined'")


async def quarantined(desk: Desk, raw: bytes, sender: str) -> int:
    desk.inline.unreadable = b"poison"
    message = (await desk.accept(raw, sender=sender)).message
    desk.inline.unreadable = b""
    return message


async def test_a_retry_after_a_fix_changes_in_place_and_moves_to_the_author(desk: Desk) -> None:
    raw = mail(subject="At last", body="poison")
    message = await quarantined(desk, raw, "bounces@mailer.example")
    before = await desk.one("SELECT case_id FROM messages WHERE id = :i", i=message)
    (line,) = await desk.backlog.retry("quarantined")
    assert line == f"{message}: quarantined -> stored, subject 'At last'"
    row = await desk.one("SELECT * FROM v_messages WHERE id = :i", i=message)
    who = await desk.one(
        "SELECT address FROM v_identities WHERE customer_id = :c", c=row["customer_id"]
    )
    assert who["address"] == "email:yuki@example.jp"
    assert (row["status"], row["subject"]) == ("stored", "At last")
    left = await desk.one("SELECT status FROM cases WHERE id = :i", i=before["case_id"])
    assert left["status"] == "resolved"
    assert await desk.count("ledger") == 1


async def test_a_retry_reaches_all_of_a_long_quarantine(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.unfinished.find.__defaults__", (0, 2))
    for n in range(5):
        await quarantined(desk, mail(f"c{n}@x.jp", body="poison"), f"c{n}@x.jp")
    assert len(await desk.backlog.everything("quarantined")) == 5
    assert len(await desk.backlog.retry("quarantined")) == 5
    assert await desk.backlog.everything("quarantined") == []


async def test_a_retry_by_the_same_author_stays_in_its_case(desk: Desk) -> None:
    message = await quarantined(desk, mail(body="poison"), "yuki@example.jp")
    before = await desk.one("SELECT case_id FROM messages WHERE id = :i", i=message)
    await desk.backlog.retry("quarantined")
    assert await desk.one("SELECT case_id FROM messages WHERE id = :i", i=message) == before
    assert await desk.count("cases WHERE status = 'new'") == 1


@pytest.mark.parametrize("sender", ["yuki@example.jp", "<>", DESK])
async def test_a_retry_in_vain_changes_nothing(desk: Desk, sender: str) -> None:
    message = await quarantined(desk, mail(body="poison"), sender)
    desk.inline.unreadable = b"poison"
    tables = ("customers", "identities", "conversations", "cases", "messages", "ledger")
    before = [await desk.count(table) for table in tables]
    for _ in range(3):
        (line,) = await desk.backlog.retry("quarantined")
        assert line == f"{message}: still quarantined: a defect of the reader"
    assert [await desk.count(table) for table in tables] == before
    assert await desk.count("cases WHERE status = 'new'") == 1


async def test_a_retry_days_later_is_seen_and_says_nothing(desk: Desk) -> None:
    message = await quarantined(desk, mail(body="poison"), "bounces@mailer.example")
    desk.clock.advance(days=10)
    await desk.backlog.retry("quarantined")
    row = await desk.one(
        "SELECT c.status FROM messages m JOIN cases c ON c.id = m.case_id WHERE m.id = :i",
        i=message,
    )
    assert row["status"] == "new"
    assert await desk.count("outbox") == 0


async def test_an_import_that_is_read_later_is_history_still(desk: Desk) -> None:
    desk.inline.unreadable = b"poison"
    await desk.accept(mail(body="poison"), channel="import", sender="")
    desk.inline.unreadable = b""
    (line,) = await desk.backlog.retry("quarantined")
    assert "-> stored" in line
    assert await desk.count("outbox") == 0
    assert await desk.count("cases WHERE status <> 'resolved'") == 0


async def test_one_message_that_our_rules_fall_over_keeps_no_other_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, _ = await unread(desk, mail(), mail("bob@example.org"))
    commit, falls = type(desk.backlog)._commit, 0

    async def fall(self: Any, kept: Any, *read: Any) -> Any:
        nonlocal falls
        if kept.id == bad:
            falls += 1
            raise ZeroDivisionError
        return await commit(self, kept, *read)

    monkeypatch.setattr(type(desk.backlog), "_commit", fall)
    task = asyncio.create_task(desk.backlog.run())

    async def holds() -> bool:
        return (await statuses(desk)) == ["unread", "stored"]

    await until(holds)
    assert not task.done()
    task.cancel()
    await desk.backlog._look()
    assert falls == 1  # told once, not twice a second


async def test_a_full_disk_is_no_fault_of_the_mail(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await unread(desk, mail())
    asked = asyncio.Event()

    def full() -> bool:
        asked.set()
        return True

    monkeypatch.setattr(desk.store, "low_on_disk", full)
    task = asyncio.create_task(desk.backlog.run())
    await asked.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert await statuses(desk) == ["unread"]


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[tuple[Desk, Readers]]:
    (tmp_path / "spool").mkdir()
    readers = Readers(2, tmp_path / "spool")
    await readers.start()
    try:
        async with opened(tmp_path, readers=readers) as desk:
            yield desk, readers
    finally:
        for worker in readers._workers:
            worker.process.send_signal(signal.SIGCONT)
        await readers.close()


async def test_readers_that_hang_cost_no_mail(real: tuple[Desk, Readers]) -> None:
    """Both workers stand still: 250 for each, all unread; when they go on, all is read."""
    desk, readers = real
    pids = [worker.process.pid for worker in readers._workers]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    ends = await asyncio.gather(*(desk.accept(mail(f"c{n}@x{n}.jp")) for n in range(5)))
    assert [end.outcome for end in ends] == 5 * ["accepted"]
    assert await statuses(desk) == 5 * ["unread"]
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    await read_all(desk)
    assert await statuses(desk) == 5 * ["stored"]
    assert await desk.count("outbox") == 5


@pytest.fixture
async def mortal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A desk whose readers die over `poison` and cannot get over `treacle`."""
    code = (
        "import os, signal, gateway.worker as w\n"
        "def read(e, well=w.normalize):\n"
        "    if b'poison' in e.raw: os._exit(9)\n"
        "    if b'treacle' in e.raw: os.kill(os.getpid(), signal.SIGSTOP)\n"
        "    return well(e)\n"
        "w.normalize = read\nw.start()"
    )
    popen = subprocess.Popen

    def start(command: list[str], **more: Any) -> Any:
        return popen([command[0], "-c", code, *command[3:]], **more)

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(readers_module, "HARD_LIMIT", 4)
    (tmp_path / "spool").mkdir()
    readers = Readers(2, tmp_path / "spool")
    await readers.start()
    try:
        async with opened(tmp_path, readers=readers) as desk:
            yield desk
    finally:
        await readers.close()


async def test_of_forty_mails_ten_deadly_ones_are_quarantined_and_no_other(mortal: Desk) -> None:
    def body(n: int) -> str:
        return "treacle" if n == 5 else "poison" if n % 4 == 1 else "a question"

    mails = [mail(f"c{n}@x{n}.jp", f"number {n}", body(n)) for n in range(40)]
    ends = await asyncio.gather(
        *(mortal.accept(raw, sender=f"c{n}@x{n}.jp") for n, raw in enumerate(mails))
    )
    assert {end.outcome for end in ends} == {"accepted"}
    await read_all(mortal)
    found = await mortal.rows("SELECT id, status FROM v_messages WHERE direction = 'in'")
    bad = {end.message for n, end in enumerate(ends) if body(n) != "a question"}
    assert len(found) == 40
    assert {row["id"] for row in found if row["status"] == "quarantined"} == bad
    assert {row["status"] for row in found} == {"stored", "quarantined"}
    assert await mortal.count("outbox") == 30
    assert await mortal.count("cases WHERE status = 'new'") == 40


def test_what_the_dns_keeps_silent_about_is_answered_within_five_seconds() -> None:
    """INTERFACES: so long at most it delays an acknowledgement; the rest is for reading and sending."""
    assert backlog._PAUSE + backlog._DNS_PATIENCE <= 4.5
