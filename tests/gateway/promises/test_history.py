"""What our own first replies teach: by hour, by how many wait, and never less than was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.promises.history import CLOSED, NOTHING, Learned, backlog, is_surge, learn
from gateway.promises.word import Promising, promise
from gateway.team.calendars import Calendars, Times
from scheduler.calendar import Calendar
from scheduler.duration import Duration
from store.promises import Made

SHOP = Calendar.build("Asia/Tokyo", {"mon-fri": ["09:00-12:00", "13:00-18:00"]})
OTHER = Calendar.build("Asia/Tokyo", {"mon-sun": ["00:00-24:00"]})
NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)  # a Tuesday, noon in Tokyo
TEN = NOON - timedelta(hours=2)
WITHIN = Duration.parse("4 business hours")
HOUR = timedelta(hours=1)


def made(
    at: datetime, after: timedelta | None, *, closed: timedelta | None = None, calendar: str = ""
) -> Made:
    """A promise of four hours that was answered, or its case closed, so long after."""
    return Made(
        1, "mail", calendar, at, at + 4 * HOUR, at + after if after else None,
        at + closed if closed else None,
    )  # fmt: skip


def tens(count: int, step: timedelta = HOUR / 10) -> list[Made]:
    """Of the Tuesdays before, at ten: answered ever more slowly."""
    return [made(TEN - timedelta(days=7), (n + 1) * step) for n in range(count)]


def learned(rows: list[Made], now: datetime = TEN, least: int = 20) -> Learned:
    return learn(rows, lambda one: OTHER if one.calendar else SHOP, now, 0.8, least)


def test_an_hour_s_usual_time_is_the_quantile_of_its_first_replies() -> None:
    found = learned(tens(20))
    assert found.usual == {(SHOP, 10): timedelta(minutes=102)}  # the 17th of 20, six minutes each
    assert found.slow(SHOP, TEN) == timedelta(minutes=102)
    assert not found.slow(SHOP, TEN + HOUR)
    assert not found.slow(OTHER, TEN)


def test_of_too_few_nothing_is_learned() -> None:
    assert learned(tens(19)).usual == {}
    assert learned([]).slow(SHOP, TEN) == timedelta()


def test_replies_count_in_opening_time() -> None:
    at = TEN + 7 * HOUR  # five in the afternoon: an hour is left, and 15 of the night are none
    rows = [made(at - timedelta(days=7), 17 * HOUR) for _ in range(20)]
    assert learned(rows).usual == {(SHOP, 17): 2 * HOUR}


def test_who_writes_at_night_is_compared_with_the_nights() -> None:
    night = TEN - timedelta(days=1) + 12 * HOUR
    rows = [made(night, 13 * HOUR) for _ in range(20)]
    assert learned(rows).usual == {(SHOP, CLOSED): 2 * HOUR}


def test_those_who_wait_take_their_time_at_the_pace_of_two_weeks() -> None:
    """70 opening hours in which 35 were answered: two hours each, for three who wait."""
    answered = [made(TEN - timedelta(days=n % 10 + 2), HOUR / 4) for n in range(40)]
    waiting = [made(TEN - HOUR, None) for _ in range(3)]
    found = learned(answered + waiting, TEN)
    assert found.waits[SHOP] == timedelta(hours=8 * 10 / 40 * 3)


def test_a_flood_makes_no_promise_of_next_year() -> None:
    found = Learned({}, {SHOP: 9000 * HOUR})
    assert found.slow(SHOP, TEN) == timedelta(hours=80)


def test_each_calendar_learns_for_itself() -> None:
    rows = tens(20) + [one._replace(calendar="other") for one in tens(20, HOUR)]
    found = learned(rows)
    assert found.slow(SHOP, TEN) < found.slow(OTHER, TEN)


@pytest.mark.parametrize(("slow", "by"), [(HOUR, 4), (4 * HOUR, 4), (5 * HOUR, 5), (6 * HOUR, 24)])
def test_a_promise_is_never_earlier_than_was_said_and_as_late_as_learned(
    slow: timedelta, by: int
) -> None:
    """Noon to one is a break; what does not fit goes on the next morning."""
    at = NOON + HOUR
    found = Learned({(SHOP, 13): slow})
    expected = {4: at + 4 * HOUR, 5: at + 5 * HOUR, 24: at + 21 * HOUR}[by]
    assert promise(SHOP, WITHIN, at, found).by == expected


def test_what_is_promised_changes_when_more_is_learned() -> None:
    promising = Promising(Calendars(Times(SHOP)), WITHIN)
    case = made(TEN, None)
    before = promising(case, TEN)
    promising.learned = Learned({(SHOP, 10): 6 * HOUR}, surges=frozenset({SHOP}))
    after = promising(case, TEN)
    assert (before.surge, after.surge) == (False, True)
    assert after.by - before.by == 2 * HOUR
    promising.learned = NOTHING
    assert promising(case, TEN) == before


def calm(days: int, each: int) -> list[Made]:
    """So many days on which so many always wait at this hour."""
    return [
        made(TEN - timedelta(days=day) - HOUR, 2 * HOUR)
        for day in range(1, days + 1)
        for _ in range(each)
    ]


@pytest.mark.parametrize(
    ("days", "each", "now", "surge"),
    [
        (28, 10, 21, True),
        (28, 10, 20, False),
        (28, 1, 10, False),  # few are no surge, however few are usual
        (28, 1, 11, True),
        (6, 10, 60, False),  # of a week's history nobody knows what is usual
    ],
)
def test_a_surge_is_far_more_than_usual_at_this_hour(
    days: int, each: int, now: int, *, surge: bool
) -> None:
    rows = calm(days, each) + [made(TEN - HOUR, None)] * now
    assert backlog(rows, TEN) == now
    assert is_surge(rows, TEN) is surge
    assert (SHOP in learned(rows).surges) is surge


def test_a_closed_case_waits_no_more() -> None:
    rows = [made(TEN - HOUR, None, closed=HOUR / 2), made(TEN - HOUR, 2 * HOUR)]
    assert backlog(rows, TEN) == 1
