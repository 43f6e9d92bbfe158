"""Several calendars: a case counts by its route's, its channel's, or everybody's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.config import ConfigError
from gateway.team.calendars import quiet_until
from tests.making import CONFIG, NOON, Desk, configure, mail, opened

NIGHTS = """
[calendar]
hours = { mon-fri = ["09:00-18:00"] }
[[calendars]]
name = "nights"
timezone = "Europe/Berlin"
hours = { mon-sun = ["00:00-24:00"] }
[[calendars]]
name = "mornings"
hours = { mon-fri = ["09:00-10:00"] }
quiet = "11:00-13:00"
"""
RULES = """
[[follow_up]]
name = "remind"
when = "unanswered"
after = "1 business hour"
notify = ["boss@example.com"]
[[follow_up]]
name = "sorry"
when = "unanswered"
after = "3 business hours"
calendar = "nights"
send = "notice"
"""
ROUTE = '[[route]]\nname = "repairs"\nkeyword = "repair"\ncalendar = "mornings"\n'
SATURDAY = NOON.replace(day=28)  # noon in Tokyo, 4 in the morning in Berlin


async def dues(desk: Desk) -> dict[str, str]:
    found = await desk.rows("SELECT rule, due_at FROM follow_ups")
    return {row["rule"]: row["due_at"][:16] for row in found}


async def said(desk: Desk) -> str:
    row = await desk.one("SELECT text FROM messages WHERE kind = 'acknowledgement'")
    return str(row["text"])


async def test_without_a_name_the_one_calendar_counts(tmp_path: Path) -> None:
    async with opened(tmp_path, CONFIG + NIGHTS + RULES) as desk:
        desk.clock.at = SATURDAY
        await desk.accept(mail())
        assert await dues(desk) == {"remind": "2026-11-30T01:00", "sorry": "2026-11-28T06:00"}
        assert "Monday" in await said(desk)


async def test_a_channel_counts_by_its_own_in_its_own_zone(tmp_path: Path) -> None:
    text = CONFIG.replace('send = "maildir:sent"', 'send = "maildir:sent"\ncalendar = "nights"')
    async with opened(tmp_path, text + NIGHTS + RULES) as desk:
        desk.clock.at = SATURDAY
        await desk.accept(mail())
        assert await dues(desk) == {"remind": "2026-11-28T04:00", "sorry": "2026-11-28T06:00"}
        assert "8:30" in await said(desk)


async def test_a_route_s_calendar_goes_before_and_lasts(tmp_path: Path) -> None:
    async with opened(tmp_path, CONFIG + NIGHTS + RULES + ROUTE) as desk:
        receipt = await desk.accept(mail(subject="A repair", vouched="example.jp"))
        assert await dues(desk) == {"remind": "2026-11-25T01:00", "sorry": "2026-11-24T06:00"}
        assert (await desk.one("SELECT calendar FROM cases"))["calendar"] == "mornings"
        assert (await desk.decision(receipt.message, "route"))["reason"] == "calendar mornings"
        # Quiet hours are the calendar's too: it is noon.
        desk.clock.advance(days=1)
        await desk.follow_ups().look()
        waits = await desk.one("SELECT reason, due_at FROM follow_ups WHERE rule = 'sorry'")
        assert waits == {"reason": "quiet hours", "due_at": "2026-11-25T04:00:00.000000Z"}


async def test_open_in_a_route_is_by_the_channel_s_calendar(tmp_path: Path) -> None:
    text = CONFIG.replace('send = "maildir:sent"', 'send = "maildir:sent"\ncalendar = "mornings"')
    route = '[[route]]\nname = "late"\nopen = false\ntags = ["late"]\n'
    async with opened(tmp_path, text + NIGHTS + route) as desk:
        await desk.accept(mail())
        assert (await desk.one("SELECT tags FROM cases"))["tags"] == '["late"]'


@pytest.mark.parametrize(
    ("where", "key"),
    [
        (RULES.replace('"nights"', '"night"'), "follow_up[1].calendar"),
        (ROUTE.replace('"mornings"', '"morning"'), "route[0].calendar"),
    ],
)
def test_a_calendar_that_is_not_there_is_told_with_those_that_are(
    tmp_path: Path, where: str, key: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(tmp_path, CONFIG + NIGHTS + where)
    (problem,) = caught.value.problems
    assert problem.key == key
    assert 'possible: "mornings" or "nights"' in problem.message
    assert problem.line


def test_a_calendar_without_any_is_told_how_to_add_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"add one as \[\[calendars\]\]"):
        configure(tmp_path, CONFIG + ROUTE)


TOKYO = ZoneInfo("Asia/Tokyo")
NIGHT = (timedelta(hours=21), timedelta(hours=8))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-24T20:59", None),
        ("2026-11-24T21:00", "2026-11-25T08:00"),
        ("2026-11-25T07:59", "2026-11-25T08:00"),
        ("2026-11-25T08:00", None),
    ],
)
def test_quiet_hours_go_over_midnight(now: str, until: str | None) -> None:
    found = quiet_until(NIGHT, TOKYO, datetime.fromisoformat(now).replace(tzinfo=TOKYO))
    assert (found.astimezone(TOKYO).isoformat()[:16] if found else None) == until


def test_quiet_hours_of_the_day_and_none() -> None:
    noon = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
    lunch = (timedelta(hours=12), timedelta(hours=13))
    assert quiet_until(lunch, ZoneInfo("UTC"), noon) == noon.replace(hour=13, minute=0)
    assert quiet_until(None, ZoneInfo("UTC"), noon) is None
