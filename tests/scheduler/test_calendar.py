"""Opening hours, due instants and closed days, by example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from scheduler.calendar import (
    Calendar,
    ClosedDay,
    ahead,
    at_wall_time,
    closed_days,
    due,
    is_open,
    next_open,
)
from scheduler.duration import Duration

TOKYO = ZoneInfo("Asia/Tokyo")
SHOP = Calendar.build("Asia/Tokyo", {"mon-fri": ["09:00-12:00", "13:00-18:00"]}, "JP")


def tokyo(text: str) -> datetime:
    """An instant of 2026, or of the year given, by Tokyo's clock."""
    full = text if text[:2] == "20" else f"2026-{text}"
    return datetime.fromisoformat(full).replace(tzinfo=TOKYO)


@pytest.mark.parametrize(
    ("start", "duration", "expected"),
    [
        ("11-24 10:00", "90 minutes", "11-24 11:30"),
        ("11-20 17:00", "1 day", "11-21 17:00"),
        ("11-24 10:00", "2 business hours", "11-24 12:00"),
        ("11-24 10:00", "4 business hours", "11-24 15:00"),
        ("11-24 12:30", "4 business hours", "11-24 17:00"),
        ("11-24 13:00", "5 business hours", "11-24 18:00"),
        ("11-24 16:00", "4 business hours", "11-25 11:00"),
        ("11-20 19:00", "4 business hours", "11-24 14:00"),
        ("11-21 03:00", "4 business hours", "11-24 14:00"),
        ("11-24 10:00", "15 business hours", "11-25 18:00"),
        ("11-24 10:00", "2 business days", "11-26 10:00"),
        ("11-20 10:00", "2 business days", "11-25 10:00"),
        ("11-22 10:00", "1 business day", "11-24 10:00"),
        ("11-24 12:30", "1 business day", "11-25 13:00"),
        ("11-24 06:00", "1 business day", "11-25 09:00"),
        ("11-24 20:00", "1 business day", "11-26 09:00"),
        ("12-30 15:00", "2 business days", "2027-01-04 15:00"),
    ],
)
def test_a_promise_falls_due_when_people_would_say(
    start: str, duration: str, expected: str
) -> None:
    instant = due(SHOP, tokyo(start), Duration.parse(duration))
    assert instant == tokyo(expected)
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("11-24 08:59:59", False),
        ("11-24 09:00", True),
        ("11-24 11:59:59.999999", True),
        ("11-24 12:00", False),
        ("11-24 18:00", False),
        ("11-23 10:00", False),
        ("11-22 10:00", False),
    ],
)
def test_hours_begin_open_and_end_closed(at: str, expected: bool) -> None:
    assert is_open(SHOP, tokyo(at)) is expected


def test_the_next_opening_is_now_when_open() -> None:
    assert next_open(SHOP, tokyo("11-24 10:00")) == tokyo("11-24 10:00")
    assert next_open(SHOP, tokyo("11-24 12:30")) == tokyo("11-24 13:00")
    assert next_open(SHOP, tokyo("11-20 18:00")) == tokyo("11-24 09:00")


def test_closed_days_are_those_before_the_next_opening() -> None:
    weekend = (ClosedDay(date(2026, 11, 21), False), ClosedDay(date(2026, 11, 22), False))
    labour_day = ClosedDay(date(2026, 11, 23), is_holiday=True)
    assert closed_days(SHOP, tokyo("11-20 18:30")) == (*weekend, labour_day)
    assert closed_days(SHOP, tokyo("11-23 12:00")) == (labour_day,)
    assert closed_days(SHOP, tokyo("11-24 18:30")) == ()
    assert closed_days(SHOP, tokyo("11-24 07:00")) == ()


def test_own_closed_days_are_no_public_holidays() -> None:
    own = ["JP", "12-29", "12-30", "12-31", "01-02", "01-03", "2027-01-04"]
    shop = Calendar.build("Asia/Tokyo", {"mon-fri": ["09:00-18:00"]}, own)
    days = closed_days(shop, tokyo("12-28 19:00"))
    assert days[-1] == ClosedDay(date(2027, 1, 4), is_holiday=False)
    assert [day.day for day in days if day.is_holiday] == [date(2027, 1, 1)]
    assert next_open(shop, tokyo("12-28 19:00")) == tokyo("2027-01-05 09:00")
    assert not is_open(shop, tokyo("2028-12-29 10:00"))
    assert is_open(shop, tokyo("2028-01-04 10:00"))


def test_regions_have_their_own_holidays() -> None:
    epiphany = datetime(2026, 1, 6, 9, tzinfo=UTC)
    hours = {"mon-fri": ["09:00-18:00"]}
    assert not is_open(Calendar.build("Europe/Berlin", hours, "de-BY"), epiphany)
    assert is_open(Calendar.build("Europe/Berlin", hours, "DE"), epiphany)


@pytest.mark.parametrize("key", ["mon-sun", "sat-fri", "mon,tue-sat, Sun"])
def test_every_way_to_name_the_week_is_understood(key: str) -> None:
    always = Calendar.build("UTC", {key: ["00:00-24:00"]})
    start = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert due(always, start, Duration.parse("200 business hours")) == start + timedelta(hours=200)


@pytest.mark.parametrize(
    ("zone", "wall", "expected"),
    [
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:00"),  # skipped: at 03:00
        ("Europe/Berlin", "2026-03-29 02:00", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29 03:00", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30"),  # twice: the first
        ("Europe/Berlin", "2026-10-25 03:00", "2026-10-25 02:00"),
        ("Australia/Lord_Howe", "2026-10-04 02:15:30.5", "2026-10-03 15:30"),  # half an hour only
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45"),
        ("America/Havana", "2026-03-08 00:00", "2026-03-08 05:00"),  # a day begins at 01:00
        ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00"),  # a day that never was
    ],
)
def test_a_wall_time_happens_exactly_once(zone: str, wall: str, expected: str) -> None:
    instant = at_wall_time(ZoneInfo(zone), datetime.fromisoformat(wall))
    assert instant == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize("fold", [0, 1])
def test_an_instant_that_the_clock_shows_twice_counts_as_any_other(fold: int) -> None:
    berlin: tzinfo = ZoneInfo("Europe/Berlin")
    night = Calendar.build("Europe/Berlin", {"sun": ["01:00-05:00"]})
    at = datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=berlin)
    assert is_open(night, at)
    left = Duration.parse("1 business hour")
    assert due(night, at, left) == at.astimezone(UTC) + timedelta(hours=1)


def test_hours_that_the_clock_skips_are_none() -> None:
    night = Calendar.build("Europe/Berlin", {"sun": ["02:10-02:50"]})
    saturday = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert next_open(night, saturday) == datetime(2026, 4, 5, 0, 10, tzinfo=UTC)
    assert ClosedDay(date(2026, 3, 29), is_holiday=False) in closed_days(night, saturday)


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ({}, "no opening hours"),
        ({"mon": [], "tue": []}, "no opening hours"),
        ({"mon-fri": ["09:00-13:00", "12:00-18:00"]}, "hours of mon-fri overlap"),
        ({"mon-fri": ["12:00-18:00", "09:00-13:00"]}, "hours of mon-fri overlap"),
        ({"mon-fri": ["09:00-18:00"], "fri": ["19:00-20:00"]}, "hours name fri twice"),
        ({"mon": ["18:00-09:00"]}, "ends before it starts; hours over midnight"),
        ({"mon": ["09:00-09:00"]}, "ends before it starts"),
        ({"mon": ["09:00-25:00"]}, "not between 00:00 and 24:00"),
        ({"mon": ["09:60-18:00"]}, "not between 00:00 and 24:00"),
        ({"mon": ["9-18"]}, "is not like"),
        ({"mon": ["24:00-24:00"]}, "ends before it starts"),
        ({"monday": ["09:00-18:00"]}, "'monday' is not a weekday"),
        ({"mon-": ["09:00-18:00"]}, "'mon-' is not a weekday"),
        ({"": ["09:00-18:00"]}, "'' is not a weekday"),
    ],
)
def test_wrong_hours_are_refused_with_what_is_wrong(
    hours: Mapping[str, Sequence[str]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Calendar.build("Asia/Tokyo", hours)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "America", "../etc/passwd", "a\0b"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="is not a known time zone"):
        Calendar.build(zone, {"mon": ["09:00-18:00"]})


@pytest.mark.parametrize("country", ["XX", "Japan", "JP-99", "DE-", "HolidayBase"])
def test_an_unknown_country_is_refused(country: str) -> None:
    with pytest.raises(ValueError, match=f"'{country}' is not a country whose holidays we know"):
        Calendar.build("Asia/Tokyo", {"mon": ["09:00-18:00"]}, country)


@pytest.mark.parametrize("day", ["2026-02-30", "13-01", "29.12.", "1"])
def test_a_wrong_day_is_refused(day: str) -> None:
    with pytest.raises(ValueError, match=f"'{day}' is not a day"):
        Calendar.build("Asia/Tokyo", {"mon": ["09:00-18:00"]}, ["JP", day])


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        is_open(SHOP, datetime(2026, 11, 24, 10))  # noqa: DTZ001 - the very mistake
    with pytest.raises(ValueError, match="has no time zone"):
        due(SHOP, datetime(2026, 11, 24, 10), Duration.parse("1 hour"))  # noqa: DTZ001 - as above


def test_touching_hours_are_one() -> None:
    shop = Calendar.build("UTC", {"mon": ["09:00-12:00", "12:00-18:00"]})
    monday = datetime(2026, 11, 23, 11, tzinfo=UTC)
    assert due(shop, monday, Duration.parse("7 business hours")) == monday + timedelta(hours=7)
    assert is_open(shop, monday + timedelta(hours=1))


@pytest.mark.parametrize(
    ("since", "by", "left", "at"),
    [
        # Wednesday noon, of opening hours from 9 to 18: in hours, over a night, over a weekend.
        ("2026-11-25T12:00", "2026-11-25T16:00", "1 business hour", "2026-11-25T15:00"),
        ("2026-11-25T17:00", "2026-11-26T09:30", "1 business hour", "2026-11-25T17:30"),
        ("2026-11-27T20:00", "2026-11-30T13:00", "1 business hour", "2026-11-30T12:00"),
        # On Friday evening nobody would read it: as soon as somebody is there.
        ("2026-11-27T20:00", "2026-11-30T10:00", "1 business hour", "2026-11-30T09:00"),
        ("2026-11-25T12:00", "2026-11-27T12:00", "1 business day", "2026-11-26T12:00"),
        ("2026-11-25T12:00", "2026-11-25T16:00", "15 minutes", "2026-11-25T15:45"),
        # There never was so much time: not before the promise, but when it ends.
        ("2026-11-25T12:00", "2026-11-25T12:30", "1 business hour", "2026-11-25T12:30"),
        ("2026-11-25T12:00", "2026-11-25T12:05", "15 minutes", "2026-11-25T12:05"),
    ],
)
def test_so_long_before_a_promise_ends(since: str, by: str, left: str, at: str) -> None:
    calendar = Calendar.build("Asia/Tokyo", {"mon-fri": ["09:00-18:00"]})
    start, end, expected = (_tokyo(text) for text in (since, by, at))
    assert ahead(calendar, start, end, Duration.parse(left)) == expected


def _tokyo(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Tokyo"))


NEW_YEAR = Calendar.build(
    "Asia/Tokyo",
    {"mon-fri": ["09:00-18:00"]},
    ["JP", "12-29", "12-30", "12-31"],
    ["2026-11-23", "2026-12-29 10:00-12:00", "2026-12-29 13:00-15:00"],
)


@pytest.mark.parametrize(
    ("start", "duration", "expected"),
    [
        ("11-20 17:00", "1 business day", "11-23 17:00"),  # a holiday on which we open
        ("12-28 17:00", "3 business hours", "12-29 12:00"),  # hours of its own
        ("12-28 17:00", "4 business hours", "12-29 14:00"),
        ("12-29 14:00", "2 business hours", "2027-01-04 10:00"),
        ("11-20 08:00", "next business day 10:00", "11-23 10:00"),
        ("11-20 08:00", "next business day 07:30", "11-23 09:00"),
        ("11-23 08:00", "next business day 18:00", "11-25 09:00"),
        ("12-28 23:00", "next business day 12:30", "12-29 13:00"),
    ],
)
def test_days_by_hand_are_otherwise(start: str, duration: str, expected: str) -> None:
    assert due(NEW_YEAR, tokyo(start), Duration.parse(duration)) == tokyo(expected)


def test_a_day_that_opens_by_hand_is_not_among_the_closed() -> None:
    closed = closed_days(NEW_YEAR, tokyo("12-29 16:00"))
    assert [day.day.day for day in closed] == [30, 31, 1, 2, 3]
