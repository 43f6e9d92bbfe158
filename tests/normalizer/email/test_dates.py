"""Every date seen in the wild is the instant that it means, or none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from normalizer.email import dates


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        ("Mon, 5 Jan 2026 10:00:00 +0900", "2026-01-05T01:00:00"),
        ("5 Jan 2026 10:00 +0900", "2026-01-05T01:00:00"),
        ("Mon, 05 Jan 2026 10:00:00 JST", "2026-01-05T01:00:00"),
        ("Mon, 5 Jan 2026 10:00:00 +0900 (JST)", "2026-01-05T01:00:00"),
        ("Mon, 5 Jan 2026 10:00:00 EST", "2026-01-05T15:00:00"),
        ("Mon, 5 Jan 2026 10:00:00 GMT", "2026-01-05T10:00:00"),
        ("Mon, 5 Jan 2026 10:00:00 GMT+0900", "2026-01-05T01:00:00"),
        ("Mon, 5 Jan 2026 10:00:00 -0000", "2026-01-05T10:00:00"),
        ("Mon, 5 Jan 2026 10:00:00", "2026-01-05T10:00:00"),
        ("Mon, 5 Jan 26 10:00:00 +0000", "2026-01-05T10:00:00"),
        ("Mon, 5 Jan 99 10:00:00 +0000", "1999-01-05T10:00:00"),
        ("5 Jan 126 10:00:00 +0000", "2026-01-05T10:00:00"),
        ("Mon Jan  5 10:00:00 2026", "2026-01-05T10:00:00"),
        ("Jan 5, 2026 10:00 PM +0000", "2026-01-05T22:00:00"),
        ("5 January 2026 12:00 AM +0000", "2026-01-05T00:00:00"),
        ("2026-01-05T10:00:00+09:00", "2026-01-05T01:00:00"),
        ("2026/01/05 10:00", "2026-01-05T10:00:00"),
        ("05/01/2026 10:00", "2026-01-05T10:00:00"),
        ("Mon, 5 Jan 2026 23:59:60 +0000", "2026-01-05T23:59:59"),
        ("Mon, 5 JAN 2026 10.00.00 +0000", "2026-01-05T10:00:00"),
        ("Mon,5 Jan 2026 10:00:00 +0900", "2026-01-05T01:00:00"),
        ("Monday, 5-Jan-26 10:00:00 UTC", "2026-01-05T10:00:00"),
        ("5 Jan 2026", "2026-01-05T00:00:00"),
    ],
)
def test_a_date_is_the_instant_that_it_means(value: str, utc: str) -> None:
    date = dates.parse(value)
    assert date is not None
    assert date.astimezone(UTC) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["", "now", "13 zzz 2026 10:00:00", "31 Feb 2026 10:00", "10:00", "2026"]
)
def test_what_names_no_day_is_no_date(value: str) -> None:
    assert dates.parse(value) is None
