from __future__ import annotations

from datetime import UTC, datetime

import holidays

from scheduler.calendar import Calendar, closed_days
from scheduler.countries import codes


def test_the_library_knows_the_holidays_of_every_country() -> None:
    assert codes() <= set(holidays.list_supported_countries())
    assert len(codes()) > 200


def test_a_country_is_taken_before_its_holidays_are_looked_up() -> None:
    calendar = Calendar.build("Asia/Tokyo", {"mon-fri": ["09:00-18:00"]}, "jp")
    assert calendar.countries == ("JP",)
    evening = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert [day.day.day for day in closed_days(calendar, evening)] == [21, 22, 23]
