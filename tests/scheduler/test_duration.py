"""What config.toml may say about lengths of time."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.duration import Duration, Unit

UNITS: list[Unit] = ["second", "minute", "hour", "day"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 seconds", Duration(3, "second")),
        ("10 minutes", Duration(10, "minute")),
        ("1 hour", Duration(1, "hour")),
        ("4 hours", Duration(4, "hour")),
        ("2 days", Duration(2, "day")),
        ("30 business minutes", Duration(30, "minute", is_business=True)),
        ("4 business hours", Duration(4, "hour", is_business=True)),
        ("2 business days", Duration(2, "day", is_business=True)),
        ("next business day 10:00", Duration(1, "day", is_business=True, at=time(10))),
        ("Next  business day 9:05", Duration(1, "day", is_business=True, at=time(9, 5))),
        ("  2  Business Days ", Duration(2, "day", is_business=True)),
    ],
)
def test_every_documented_form_is_read(text: str, expected: Duration) -> None:
    assert expected == Duration.parse(text)


@given(st.integers(1, 3000), st.sampled_from(UNITS), st.booleans())
def test_str_is_what_parse_reads(amount: int, unit: Unit, is_business: bool) -> None:
    duration = Duration(amount, unit, is_business and unit != "second")
    assert duration == Duration.parse(str(duration))


@pytest.mark.parametrize(
    "text",
    [
        *("", "4", "hours", "4h", "-1 hours", "1.5 hours", "four hours", "4 weeks", "PT4H"),
        *("４ hours", "4 hours 30 minutes", "9" * 5000 + " days", "4 busy hours"),
        *(
            "next business day",
            "next business day 24:00",
            "next day 10:00",
            "next business day 1:5",
        ),
    ],
)
def test_what_is_no_duration_is_answered_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r'is not a duration; .*"4 business hours"') as caught:
        Duration.parse(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["0 minutes", "0 business days", "3651 days", "999999999 days"])
def test_a_duration_is_neither_nothing_nor_for_ever(text: str) -> None:
    with pytest.raises(ValueError, match="is not between 1 second and 3650 days"):
        Duration.parse(text)


def test_business_seconds_are_refused() -> None:
    with pytest.raises(ValueError, match="business time counts in minutes, hours or days"):
        Duration.parse("5 business seconds")


def test_the_span_is_the_time_that_passes() -> None:
    assert timedelta(minutes=10) == Duration.parse("10 minutes").span
    assert timedelta(hours=4) == Duration.parse("4 business hours").span
    assert timedelta(hours=48) == Duration.parse("2 days").span


def test_business_days_have_no_fixed_span() -> None:
    with pytest.raises(ValueError, match="2 business days has no fixed length"):
        _ = Duration.parse("2 business days").span


@given(st.times())
def test_the_next_business_day_says_its_hour(at: time) -> None:
    text = f"next business day {at:%H:%M}"
    assert text == str(Duration.parse(text))
