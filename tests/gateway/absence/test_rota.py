"""Who is away when, and who stands in: pure."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.absence.rota import Rota, Span, said
from gateway.team.roster import Colleague, Roster
from store import rows
from store.rows import instant
from tests.making import NOON

DAY = timedelta(days=1)


def one(name: str, deputy: str = "") -> Colleague:
    return Colleague(name, f"{name.lower()}@corp.example", name, deputy=deputy)


AIKO, JUN, KEN = one("Aiko", "Jun"), one("Jun", "Ken"), one("Ken")


def span(name: str, begins: float, ends: float, deputy: str = "", *, fixed: bool = False) -> Span:
    return Span(name, NOON + begins * DAY, NOON + ends * DAY, deputy, fixed)


def rota(*spans: Span) -> Rota:
    return Rota(Roster((AIKO, JUN, KEN)), spans)


@pytest.mark.parametrize(
    ("spans", "until"),
    [
        ([], None),
        ([span("Aiko", -1, 0)], None),  # back at this very instant
        ([span("Aiko", 1, 2)], None),
        ([span("Aiko", 0, 2)], 2),
        ([span("Jun", 0, 2)], None),
        ([span("Aiko", -1, 2), span("Aiko", -2, 5, fixed=True)], 5),  # they overlap
        ([span("Aiko", 2, 3), span("Aiko", -2, 2, fixed=True), span("Aiko", 4, 5)], 3),  # … follow
    ],
)
def test_until_when_somebody_is_away(spans: list[Span], until: float | None) -> None:
    found = rota(*spans).away(AIKO, NOON)
    assert (found.ends_at if found else None) == (NOON + until * DAY if until else None)


def test_a_person_s_word_on_the_deputy_counts_before_the_file_s() -> None:
    found = rota(span("Aiko", -1, 9, fixed=True), span("Aiko", 0, 1, "Ken")).away(AIKO, NOON)
    assert found
    assert (found.deputy, found.begins_at) == ("Ken", NOON - DAY)


@pytest.mark.parametrize(
    ("away", "stands_in"),
    [
        ([span("Aiko", 0, 1)], JUN),
        ([span("Aiko", 0, 1), span("Jun", 0, 1)], KEN),
        ([span("Aiko", 0, 1), span("Jun", 1, 2)], JUN),
        ([span("Aiko", 0, 1), span("Jun", 0, 1), span("Ken", 0, 1)], None),
        ([span("Aiko", 0, 1), span("Jun", 0, 1, "Aiko")], None),  # a circle
        ([span("Aiko", 0, 1, "Aiko")], None),
        ([span("Aiko", 0, 1, "who left")], None),
        ([], AIKO),
    ],
)
def test_who_stands_in(away: list[Span], stands_in: Colleague | None) -> None:
    assert rota(*away).stands_in(AIKO, NOON) == stands_in


def test_of_one_person_the_last_word_counts_however_they_were_spelled() -> None:
    told = [
        rows.Absence(1, "aiko", instant(NOON), instant(NOON + DAY), "", "", "", ""),
        rows.Absence(2, "Aiko", instant(NOON), instant(NOON), "", "", "", ""),
    ]
    assert not rota(*said(told)).away(AIKO, NOON)
