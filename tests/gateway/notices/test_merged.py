"""Whoever was merged with another customer is told once, as who they are now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.notices.many import (
    MORE,
    begin,
    customers,
    drain,
    loop,
    now,
)
from tests.making import CONFIG, Desk, opened


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + MORE) as desk:
        yield desk


async def test_who_became_one_customer_meanwhile_hears_it_once(desk: Desk) -> None:
    ids = await customers(desk, 2)
    notice = await begin(desk, customers=ids)
    notices = loop(desk)
    notices.per_minute = 60
    assert await notices.look() == 1
    await desk.change(
        "UPDATE identities SET customer_id = :to WHERE customer_id = :was", to=ids[1], was=ids[0]
    )
    assert await drain(desk, notices) == 0
    assert (await now(desk, notice.id)).counts.left_out == {
        "they were told under another identity": 1
    }


async def became(desk: Desk, was: int, now: int) -> None:
    """A person says that two customers are one."""
    await desk.change(
        "INSERT INTO links (id, kind, customer_id, other_id, evidence, why, by, token, moved, at,"
        " undone_by) VALUES (:id, 'merge', :now, :was, 'person', '', '', '', '{}', 'x', '')",
        id=9000 + was, was=was, now=now,
    )  # fmt: skip
    for table in ("identities", "cases", "messages"):
        await desk.change(
            f"UPDATE {table} SET customer_id = :now WHERE customer_id = :was", was=was, now=now
        )
    for table in ("cases", "messages"):
        await desk.change(
            f"UPDATE {table} SET conversation_id ="
            " (SELECT id FROM conversations WHERE customer_id = :now) WHERE customer_id = :now",
            now=now,
        )


async def test_who_was_merged_is_told_as_the_customer_that_they_are_now(desk: Desk) -> None:
    first, second, third = await customers(desk, 3)
    await became(desk, first, second)
    await became(desk, second, third)
    notice = await begin(desk, customers=[first, second])
    assert notice.counts.total == 1
    assert await drain(desk, loop(desk)) == 1
    assert (await desk.one("SELECT customer_id FROM v_notice_recipients")) == {"customer_id": third}


async def test_who_is_merged_while_they_wait_is_told_all_the_same_and_once(desk: Desk) -> None:
    first, second, third = await customers(desk, 3)
    notice = await begin(desk, customers=[first, second])
    await became(desk, first, third)
    await became(desk, second, third)
    notices = loop(desk)
    assert await notices.look() == 1
    counts = (await now(desk, notice.id)).counts
    assert (counts.queued, counts.left_out) == (1, {"part of another customer, who is told": 1})
