"""Whatever the wall clock does, anywhere: what is due fires once, and when it was said to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from sqlalchemy import Connection

from scheduler.calendar import Calendar
from scheduler.clock import Clock
from scheduler.duration import Duration
from scheduler.rules import Rule, begin
from store import due, rows
from store.bulk import insert
from store.due import End
from store.known import Changes
from store.rows import instant
from tests.making import Desk, mail

FIRST = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
LAST = int(datetime(2031, 1, 1, tzinfo=UTC).timestamp())
WEEK = 7 * 24 * 3600  # no zone sets its clock twice in a week
ALWAYS = {"mon-sun": ["00:00-24:00"]}
SCHEDULES = [
    ("1 day", ALWAYS),
    ("1 business day", ALWAYS),
    ("2 business days", {"mon-sun": ["00:00-06:00"]}),
    ("4 business hours", {"mon-fri": ["09:00-18:00"], "sat,sun": ["01:00-04:00"]}),
]
RULES = [Rule(after, "new", Duration.parse(after), send="nudge") for after, _ in SCHEDULES]


def transitions(zone: ZoneInfo) -> Iterator[datetime]:
    """The seconds from 2025 to 2030 in which the clock is set, in UTC."""

    for week in range(FIRST, LAST, WEEK):
        before = _offset(zone, week)
        if _offset(zone, week + WEEK) != before:
            yield _first_other(zone, before, range(week, week + WEEK + 1))


def _first_other(zone: ZoneInfo, before: timedelta, seconds: range) -> datetime:
    at = bisect_left(seconds, True, key=lambda second: _offset(zone, second) != before)
    return datetime.fromtimestamp(seconds[at], UTC)


def _offset(zone: ZoneInfo, second: int) -> timedelta:
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    assert offset is not None
    return offset


def all_transitions() -> dict[tuple[datetime, ...], str]:
    """Every way in which clocks are set, with one of the zones that do."""
    found = {tuple(transitions(ZoneInfo(name))): name for name in sorted(available_timezones())}
    found.pop((), None)
    return found


def schedules() -> Iterator[tuple[str, datetime]]:
    """The rule and the due time of what begins a day before a clock is set, within its hour."""
    for changes, zone in all_transitions().items():
        for rule, (_, hours) in zip(RULES, SCHEDULES, strict=True):
            calendar = Calendar.build(zone, hours)
            for change in changes:
                at = change - timedelta(hours=23, minutes=30)
                (found,) = begin([rule], calendar, "new", at)
                yield rule.name, found.due_at


async def test_every_transition_of_every_zone_fires_once_and_in_time(desk: Desk) -> None:
    expected = sorted(schedules(), key=lambda one: one[1])
    assert len(expected) >= 4 * 12 * 20
    await _wait_for(desk, expected)
    seen: list[tuple[str, datetime]] = []
    clock = _clock(desk, seen)
    for at in sorted({at for _, at in expected}):
        desk.clock.at = at
        await clock.look()
    assert sorted(seen, key=lambda one: (one[1], one[0])) == sorted(
        expected, key=lambda one: (one[1], one[0])
    )


@pytest.mark.parametrize(
    ("began", "fires"),
    [
        ("2026-10-24T02:30+02:00", "2026-10-25T02:30+02:00"),  # T03: 02:30 comes twice
        ("2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00"),  # T04: 02:30 never comes
    ],
)
async def test_half_past_two_in_berlin_comes_once_t03_t04(
    desk: Desk, began: str, fires: str
) -> None:
    berlin = Calendar.build("Europe/Berlin", ALWAYS)
    rule, at = RULES[1], datetime.fromisoformat(fires).astimezone(UTC)
    (found,) = begin([rule], berlin, "new", datetime.fromisoformat(began))
    await _wait_for(desk, [(rule.name, found.due_at)])
    seen: list[tuple[str, datetime]] = []
    clock = _clock(desk, seen)
    for minutes in range(-120, 180):
        desk.clock.at = at + timedelta(minutes=minutes)
        await clock.look()
    assert seen == [(rule.name, at)]


def _clock(desk: Desk, seen: list[tuple[str, datetime]]) -> Clock:
    def fire(
        connection: Connection, _: Changes, due_rows: Sequence[due.Due], now: datetime
    ) -> None:
        seen.extend((row.rule, now) for row in due_rows)
        due.end(connection, [End(row.id, "fired", "") for row in due_rows], now)

    return Clock(desk.store, RULES, fire, desk.clock, lambda: None, lambda *_: None)


async def _wait_for(desk: Desk, expected: Sequence[tuple[str, datetime]]) -> None:
    await desk.accept(mail())
    case = await desk.one("SELECT id, conversation_id FROM cases")

    def work(connection: Connection, changes: Any) -> None:
        insert(connection, [
            rows.FollowUp(
                id=(id_ := changes.new_id()), case_id=case["id"],
                conversation_id=case["conversation_id"], rule=rule, cause=str(id_),
                state="pending", due_at=instant(at), settled_at=None, reason="",
            )
            for rule, at in expected
        ])  # fmt: skip

    await desk.store.write(work)
