"""Of each kind of alarm one letter an hour, with what came since, and one when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.admin.bell import HOUR, Bell, Letter, heard, is_due, rung
from gateway.alarm import Alarm
from tests.making import NOON


def alarm(minutes: float = 0, about: str = "box", *, over: bool = False, more: int = 0) -> Alarm:
    at = NOON + timedelta(minutes=minutes)
    return Alarm("channel.silent", f"at {minutes:g}", at, {"channel": about}, over, more)


def told(*alarms: Alarm, until: float = 0) -> list[tuple[float, Letter]]:
    """The letters of these alarms, with the minute of each; somebody looks every minute."""
    bell, letters = Bell(), []

    def ring(now: datetime) -> None:
        nonlocal bell
        if is_due(bell, now):
            bell, letter = rung(bell, now)
            letters.append(((now - NOON).total_seconds() / 60, letter))

    coming = sorted(alarms, key=lambda one: one.at)
    last = max(until, *((one.at - NOON).total_seconds() / 60 for one in alarms))
    for minute in range(int(last) + 1):
        now = NOON + timedelta(minutes=minute)
        while coming and coming[0].at <= now:
            bell = heard(bell, coming.pop(0))
            ring(now)
        ring(now)
    return letters


def test_the_first_is_told_at_once() -> None:
    ((minute, letter),) = told(alarm())
    assert (minute, letter.over, letter.more) == (0, False, 0)
    assert [line.reason for line in letter.lines] == ["at 0"]


def test_what_comes_within_the_hour_is_told_at_its_end_as_one() -> None:
    letters = told(alarm(), alarm(5, "chat"), alarm(20, "bot", more=3), until=200)
    assert [minute for minute, _ in letters] == [0, 60]
    assert [line.about for line in letters[1][1].lines] == ["chat", "bot"]
    assert (letters[1][1].more, letters[1][1].since) == (3, NOON)


def test_that_it_is_over_is_told_at_once_and_once() -> None:
    letters = told(alarm(), alarm(10, over=True), until=300)
    assert [(minute, letter.over) for minute, letter in letters] == [(0, False), (10, True)]


def test_the_end_of_what_nobody_was_told_of_is_no_news() -> None:
    assert told(alarm(over=True), until=90) == []
    assert len(told(alarm(), alarm(1, over=True), alarm(2, over=True), until=90)) == 2


def test_one_that_comes_and_goes_is_two_letters_an_hour_at_most() -> None:
    flapping = [alarm(minute, over=bool(minute % 2)) for minute in range(240)]
    letters = told(*flapping, until=310)
    for over in (False, True):
        minutes = [minute for minute, letter in letters if letter.over is over]
        assert all(b - a >= 60 for a, b in pairwise(minutes))
    assert sum(len(letter.lines) + letter.more for _, letter in letters) == 240


def test_a_letter_has_twenty_lines_at_most_and_counts_the_rest() -> None:
    letters = told(alarm(), *(alarm(1, f"box{n}") for n in range(50)), until=60)
    assert [len(letter.lines) + letter.more for _, letter in letters] == [1, 50]
    assert len(letters[1][1].lines) == 20


def test_a_clock_that_is_set_back_a_year_silences_nothing() -> None:
    bell, _ = rung(heard(Bell(), alarm()), NOON)
    earlier = alarm()._replace(at=NOON - timedelta(days=365))
    assert is_due(heard(bell, earlier), earlier.at)


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.sampled_from(["a", "b", "c"]), st.booleans()),
        min_size=1,
        max_size=60,
    )
)
def test_whatever_comes_when_nobody_hears_more_than_two_an_hour_and_the_last_word_is_true(
    came: list[tuple[int, str, bool]],
) -> None:
    letters = told(*(alarm(at, about, over=over) for at, about, over in came), until=500)
    minutes = [minute for minute, _ in letters]
    assert all(sum(a <= b < a + HOUR.seconds / 60 for b in minutes) <= 2 for a in minutes)
    last = {about: over for _, about, over in sorted(came, key=lambda one: one[0])}
    said = {line.about: line.over for _, letter in letters for line in letter.lines}
    assert said == {about: last[about] for about in said}
    assert {about for about, over in last.items() if not over} <= said.keys()
