"""Who waits for a first answer and was promised a next update hears of one time, not of two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from store.rows import instant
from tests.gateway.follow_ups.test_renewal import REASON, RULES, alter
from tests.making import CONFIG, NOON, Desk, mail, opened

# Written at noon on Tuesday in Tokyo: a first answer is promised by 4:30 pm.
FIVE = instant(NOON + timedelta(hours=5))
HALF_PAST_THREE = instant(NOON + timedelta(hours=3, minutes=30))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + RULES) as desk:
        await desk.accept(mail(vouched="example.jp"))
        yield desk


async def heard(desk: Desk, hours: float) -> list[str]:
    """What the customer has read since, besides the acknowledgement, until so long after noon."""
    while desk.clock() < NOON + timedelta(hours=hours):
        desk.clock.advance(minutes=10)
        await desk.follow_ups().look()
    found = await desk.rows("SELECT text FROM messages WHERE kind = 'notice' ORDER BY id")
    return [str(row["text"]) for row in found]


async def test_the_late_answer_s_notice_names_the_time_that_a_person_said(desk: Desk) -> None:
    await alter(desk, next_update_by=FIVE, waiting_for=REASON)
    (said,) = await heard(desk, 4.5)
    assert "by 5 pm" in said
    assert REASON in said
    # That time is watched on: it is the one that the customer knows.
    assert len(await heard(desk, 4.8)) == 2


async def test_a_time_before_the_promised_one_is_all_that_is_told(desk: Desk) -> None:
    await alter(desk, next_update_by=HALF_PAST_THREE, waiting_for=REASON)
    (said,) = await heard(desk, 4.9)
    assert "taking longer than we thought" in said


async def test_two_times_that_run_out_together_are_one_notice(desk: Desk) -> None:
    promised = await desk.one("SELECT promised_by AS by FROM messages WHERE promised_by <> ''")
    await alter(desk, next_update_by=promised["by"])
    assert len(await heard(desk, 4.9)) == 1


async def test_who_was_told_of_the_wait_hears_nothing_more_of_the_first_time(
    tmp_path: Path,
) -> None:
    notices = '[notices]\non = ["on_hold"]\n'
    async with opened(tmp_path, CONFIG + RULES + notices) as desk:
        await desk.accept(mail(vouched="example.jp"))
        await alter(desk, status="on_hold", next_update_by=FIVE, waiting_for=REASON)
        (said,) = await heard(desk, 4.6)
        assert "something else has to happen first" in said


async def test_our_people_are_warned_all_the_same(desk: Desk) -> None:
    await alter(desk, next_update_by=HALF_PAST_THREE)
    await heard(desk, 4.9)
    warned = await desk.rows("SELECT DISTINCT rule FROM follow_ups WHERE state = 'fired'")
    assert {"promise.warn", "promise.update_warn"} <= {row["rule"] for row in warned}
