"""The picture of promised against kept: what it counts, and that it is well made."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from gateway.promises.chart import Day, by_day, ended, svg
from store.promises import Made

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)
SVG = "{http://www.w3.org/2000/svg}"


def made(by: datetime, answered: datetime | None = None, closed: datetime | None = None) -> Made:
    return Made(1, "mail", "", by - 4 * HOUR, by, answered, closed)


@pytest.mark.parametrize(
    ("answered", "closed", "how"),
    [
        (NOW - 2 * HOUR, None, "kept"),
        (NOW - HOUR, None, "kept"),  # in the very moment
        (NOW, None, "broken"),
        (None, None, "broken"),
        (None, NOW - 2 * HOUR, ""),  # over without a word of ours
        (None, NOW, "broken"),
        (NOW - 2 * HOUR, NOW - 3 * HOUR, "kept"),
    ],
)
def test_a_promise_is_kept_by_an_answer_in_time(
    answered: datetime | None, closed: datetime | None, how: str
) -> None:
    assert ended(made(NOW - HOUR, answered, closed), NOW) == how


def test_a_promise_that_still_runs_is_open() -> None:
    assert ended(made(NOW + HOUR), NOW) == "open"


def test_a_promise_counts_on_the_day_on_which_it_runs_out_there() -> None:
    late = NOW - timedelta(hours=11, minutes=30)  # half past midnight in Tokyo
    days = by_day([made(late, late), made(late - HOUR), made(NOW + HOUR)], TOKYO, NOW, 7)
    assert [day.day for day in days] == [date(2026, 11, 18 + n) for n in range(7)]
    assert days[-1] == Day(date(2026, 11, 24), kept=1, broken=0, open=1)
    assert days[-2] == Day(date(2026, 11, 23), kept=0, broken=1, open=0)


@pytest.mark.parametrize("language", ["en", "ja", "ja-JP", "de"])
@pytest.mark.parametrize("most", [0, 1, 7, 34, 1300, 99_999])
@pytest.mark.parametrize("count", [7, 28, 92])
def test_the_picture_is_whole_and_nothing_leaves_it(language: str, most: int, count: int) -> None:
    first = date(2026, 9, 1)
    days = [Day(first + timedelta(days=n), most - most // 9, most // 9, 0) for n in range(count)]
    picture = ET.fromstring(svg(days, [], language))
    bars = [bar for group in picture.iter(f"{SVG}g") for bar in group.iter(f"{SVG}rect")]
    for bar in bars:
        x, y = float(bar.attrib["x"]), float(bar.attrib["y"])
        assert 0 <= x <= x + float(bar.attrib["width"]) <= 760
        assert 70 <= y <= y + float(bar.attrib["height"]) <= 260.2
    assert len(bars) == count * ((most > 0) + (most // 9 > 0))
    said = [text.text or "" for text in picture.iter(f"{SVG}text")]
    assert ("お約束した時刻までのお返事" in said) is language.startswith("ja")
    assert ("No promise ran out in these days." in said) is (
        most == 0 and not language.startswith("ja")
    )


def test_the_share_is_of_those_that_have_ended() -> None:
    days = [Day(date(2026, 11, 24), kept=9, broken=1, open=10)]
    assert "90%" in svg(days, [], "en")
    assert "9 of 10 kept" in svg(days, [], "en")
    assert "10件中9件" in svg(days, [], "ja")


def test_a_day_tells_its_figures_when_pointed_at() -> None:
    assert "<title>2026-11-24: 9 kept, 1 missed, 0 still running</title>" in svg(
        [Day(date(2026, 11, 24), kept=9, broken=1, open=0)], [], "en"
    )


@pytest.mark.parametrize(("language", "says"), [("en", "Next updates"), ("ja", "次のご連絡")])
def test_next_updates_have_a_half_of_their_own_where_there_are_any(
    language: str, says: str
) -> None:
    day = Day(date(2026, 11, 24), kept=9, broken=1, open=0)
    both = ET.fromstring(svg([day], [day._replace(kept=3)], language))
    assert both.attrib["height"] == "600"
    assert any(says in (text.text or "") for text in both.iter(f"{SVG}text"))
    alone = svg([day], [Day(day.day, 0, 0, 0)], language)
    assert says not in alone
    assert 'height="300"' in alone
