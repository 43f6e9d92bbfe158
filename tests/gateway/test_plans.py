"""What happens again and again reads no whole table: a store of years answers like a new one."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from channels.base import Rejected
from gateway import rules
from gateway.desk import acts
from gateway.desk.speak import Who
from gateway.desk.wanted import Change, Reply
from store import astray, drafts, reading, unfinished
from store.rows import instant
from tests.making import CONFIG, KEYS, NOON, Desk, mail, opened, until

RULES = """
[[follow_up]]
name = "remind"
when = "unanswered"
after = "4 hours"
notify = ["boss@example.com"]
[[follow_up]]
name = "nudge"
when = "pending"
after = "2 days"
send = "nudge"
[[follow_up]]
name = "close"
when = "pending"
after = "4 days"
set_status = "resolved"
"""

_ASKS = re.compile(r"\s*(?:SELECT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
# Rows that stand in the statement itself, or are the result of a part of it.
_NO_TABLE = re.compile(r"SCAN (?:\d+ CONSTANT|CONSTANT|v\b|\(?subquery|anon_)")


@pytest.fixture
def said() -> Iterator[set[str]]:
    """Every statement of ours, as SQLite runs it."""
    found: set[str] = set()

    def listen(connection: sqlite3.Connection, _: object) -> None:
        connection.set_trace_callback(found.add)

    event.listen(Engine, "connect", listen)
    yield found
    event.remove(Engine, "connect", listen)


def test_the_guard_knows_a_whole_table_when_it_sees_one(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "some.db")) as connection:
        connection.execute("CREATE TABLE ledger (channel, unit, UNIQUE (channel, unit))")
        assert _whole(connection, "SELECT * FROM ledger WHERE unit IN ('a')")
        assert not _whole(connection, "SELECT * FROM ledger WHERE channel = 'x' AND unit = 'a'")


async def test_no_question_reads_a_whole_table(tmp_path: Path, said: set[str]) -> None:
    async with opened(tmp_path, CONFIG + RULES) as desk:
        said.clear()
        await _days(desk)
        with closing(sqlite3.connect(tmp_path / "desk.db")) as connection:
            asked = sorted(filter(_ASKS.match, said))
            whole = {one: found for one in asked if (found := _whole(connection, one))}
    assert len(asked) > 50, "it was heard"
    assert whole == {}


def _whole(connection: sqlite3.Connection, statement: str) -> list[str]:
    """Which tables are read from end to end, without an index that holds the few rows wanted."""
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    return [
        step
        for step in steps
        if step.startswith("SCAN") and "USING" not in step and not _NO_TABLE.match(step)
    ]


async def _days(desk: Desk) -> None:
    """Mails, answers, deliveries, follow-ups and what helpdesks look at, more than once."""
    first = await desk.accept(mail(**{"Message-ID": "<1@example.jp>"}))
    await desk.accept(mail(**{"Message-ID": "<1@example.jp>"}))
    await desk.accept(mail("Ken <ken@example.org>", vouched="example.org"))
    await desk.accept(mail(subject="Re: Where is my parcel?", **{"In-Reply-To": "<1@example.jp>"}))
    await desk.accept(mail("MAILER-DAEMON@example.net", **{"Auto-Submitted": "auto-replied"}))
    desk.wire.answers.append(Rejected("5.1.1 unknown"))
    await _delivered(desk)
    (case,) = await desk.rows("SELECT case_id AS id FROM messages WHERE id = :id", id=first.message)
    who, ours = Who("Aiko", "token", NOON), rules.desk(desk.config, KEYS)
    await desk.store.change(acts.reply(ours, case["id"], Reply(text="It is on its way."), (), who))
    await desk.store.change(acts.alter(ours, case["id"], Change(status="pending"), who))
    for _ in range(5):
        desk.clock.advance(days=1)
        await desk.follow_ups().look()
        await _delivered(desk)
    folder = desk.store.blobs.folder
    await desk.store.read(lambda c: unfinished.doubtful(c, "2027", folder))
    await desk.store.read(lambda c: unfinished.find(c, "unread", folder))
    await desk.store.read(lambda c: astray.ways(c, 1))
    await desk.store.read(lambda c: drafts.page(c, NOON))
    await desk.store.read(lambda c: reading.cases(c, status="open"))
    await desk.store.read(lambda c: reading.case(c, case["id"]))
    await desk.store.read(reading.events)


async def _delivered(desk: Desk) -> None:
    """All that is due by now has been tried."""
    task: asyncio.Task[Any] = asyncio.create_task(desk.deliver().run("mail"))

    async def tried() -> bool:
        waits = "SELECT id FROM outbox WHERE state IN ('queued', 'deferred') AND due_at <= :now"
        left = await desk.rows(waits, now=instant(desk.clock()))
        left += await desk.rows("SELECT id FROM outbox WHERE state = 'sending'")
        return not left

    await until(tried)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
