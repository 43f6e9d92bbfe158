"""On a real store: a slow desk promises later, says so in a surge, and its promises are counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Connection, select

from gateway.metrics import Metrics
from gateway.outgoing.answer import Writer
from gateway.promises.history import NOTHING, Learned
from gateway.promises.learning import How, Learning
from gateway.promises.word import Promising
from store import rows, schema
from store.bulk import insert
from store.engine import StoreUnavailable
from store.known import Changes
from store.rows import instant
from store.store import Store
from tests.making import CONFIG, NOON, Desk, mail, opened

DESK = (
    CONFIG
    + '[calendar]\nhours = { mon-fri = ["09:00-18:00"] }\n[acknowledge.limits]\n'
    + (
        "per_sender_day = 0\nunauthenticated_day = 0\nunauthenticated_hour = 0\n"
        "per_conversation_day = 0\n"
    )
)
HOUR = timedelta(hours=1)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, DESK) as desk:
        promising(desk).learned = NOTHING
        yield desk


def promising(desk: Desk) -> Promising:
    return cast("Writer", desk.rules.write_acknowledgement).promising


def learning(desk: Desk, metrics: Metrics, **how: Any) -> Learning:
    facts: dict[str, Any] = {"least": 5} | how
    return Learning(desk.store, promising(desk), How(**facts), desk.clock, metrics.promises)


async def write(desk: Desk, at: datetime, number: int, **more: str) -> None:
    desk.clock.at = at
    await desk.accept(mail(f"p{number}@example.jp", f"Question {number}", **more))


async def answer(desk: Desk, at: datetime) -> None:
    """A person answers in every case that nobody has answered."""

    def work(connection: Connection, changes: Changes) -> None:
        done = select(schema.messages.c.case_id).where(schema.messages.c.kind == "reply")
        said = select(schema.messages).where(
            schema.messages.c.kind == "acknowledgement", schema.messages.c.case_id.not_in(done)
        )
        for row in connection.execute(said).all():
            reply = rows.Message(*row)._replace(
                id=changes.new_id(), kind="reply", received_at=instant(at), promised_by=None
            )
            insert(connection, [reply])

    await desk.store.write(work)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"madoguchi_{name}", labels)


async def slow_weeks(desk: Desk) -> None:
    """For two weeks, noon's questions were answered at five."""
    for day in range(14, 7, -1):
        await write(desk, NOON - timedelta(days=day), day)
        await answer(desk, NOON - timedelta(days=day) + 5 * HOUR)
    desk.clock.at = NOON


async def test_what_is_promised_stands_in_the_store_as_it_was_read(desk: Desk) -> None:
    await write(desk, NOON + timedelta(minutes=2), 1)
    row = await desk.one("SELECT made_at, promised_by, answered_at, kind FROM v_promises")
    assert row["promised_by"] == "2026-11-24T07:30:00.000000Z"  # four hours, to the half hour
    assert (row["answered_at"], row["kind"]) == (None, "acknowledgement")
    await answer(desk, NOON + HOUR)
    row = await desk.one("SELECT answered_at FROM v_promises")
    assert row["answered_at"] == "2026-11-24T04:00:00.000000Z"


async def test_a_slow_desk_promises_later(desk: Desk) -> None:
    await slow_weeks(desk)
    await learning(desk, Metrics()).look()
    await write(desk, NOON, 100)
    row = await desk.one("SELECT promised_by FROM v_promises ORDER BY message_id DESC LIMIT 1")
    assert row["promised_by"] == "2026-11-24T08:30:00.000000Z"  # five hours and a minute


@pytest.mark.parametrize("how", [{"learn": False}, {"least": 50}])
async def test_a_desk_that_does_not_learn_promises_as_it_says(
    desk: Desk, how: dict[str, Any]
) -> None:
    await slow_weeks(desk)
    await learning(desk, Metrics(), **how).look()
    await write(desk, NOON, 100)
    row = await desk.one("SELECT promised_by FROM v_promises ORDER BY message_id DESC LIMIT 1")
    assert row["promised_by"] == "2026-11-24T07:30:00.000000Z"


@pytest.mark.parametrize(
    ("body", "words"),
    [("Where is it?", "More messages than usual"), ("届きません。", "通常より多くのお問い合わせ")],
)
async def test_in_a_surge_other_words_are_said(desk: Desk, body: str, words: str) -> None:
    calendar = promising(desk).calendars.usual.calendar
    await write(desk, NOON, 1, body=body)
    promising(desk).learned = Learned(surges=frozenset({calendar}))
    await write(desk, NOON, 2, body=body)
    texts = await desk.rows("SELECT text FROM messages WHERE kind = 'acknowledgement' ORDER BY id")
    assert [words in row["text"] for row in texts] == [False, True]


async def test_kept_and_broken_promises_are_counted_once(desk: Desk) -> None:
    metrics = Metrics()
    looks = learning(desk, metrics)
    await write(desk, NOON, 1)
    await looks.look()
    await answer(desk, NOON + HOUR)
    await write(desk, NOON + HOUR, 2)
    desk.clock.at = NOON + 2 * HOUR
    for _ in range(2):
        await looks.look()
    assert value(metrics, "promises_total", kept="yes") == 1
    assert value(metrics, "promises_total", kept="no") == 0
    assert value(metrics, "first_replies_owed") == 1
    desk.clock.advance(days=1)
    for _ in range(2):
        await looks.look()
    assert value(metrics, "promises_total", kept="no") == 1
    await answer(desk, desk.clock())
    desk.clock.advance(hours=1)
    await looks.look()
    assert value(metrics, "promises_total", kept="yes") == 1
    assert value(metrics, "first_replies_owed") == 0
    assert value(metrics, "first_reply_seconds", quantile="0.5") == 10 * 3600.0


async def test_updates_that_are_overdue_are_counted(desk: Desk) -> None:
    metrics = Metrics()
    await write(desk, NOON, 1)
    await desk.change("UPDATE cases SET next_update_by = :by", by=instant(NOON + HOUR))
    for hours, count in ((0.5, 0), (1.5, 1)):
        desk.clock.at = NOON + hours * HOUR
        await learning(desk, metrics).look()
        assert value(metrics, "updates_overdue") == count


async def test_updates_that_were_missed_are_counted_once_and_apart(desk: Desk) -> None:
    metrics = Metrics()
    looks = learning(desk, metrics)
    await write(desk, NOON, 1)
    await desk.change("UPDATE cases SET next_update_by = :by", by=instant(NOON + HOUR))
    await looks.look()
    desk.clock.at = NOON + 2 * HOUR
    for _ in range(2):
        await looks.look()
    assert value(metrics, "update_promises_total", kept="no") == 1
    assert value(metrics, "update_promises_total", kept="yes") == 0
    assert value(metrics, "promises_total", kept="no") == 0


async def test_without_a_store_what_was_learned_stays(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    known = promising(desk).learned = Learned()
    monkeypatch.setattr(Store, "read", away)
    await learning(desk, Metrics()).look()
    assert promising(desk).learned is known
