"""The scales: which numbers are scores, in words and on buttons."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.surveys.asking import Surveys, buttons
from gateway.surveys.scale import CES, CSAT, NPS, Scale, Vote, is_survey, pressed, read, scale_of
from store.rows import instant
from tests.making import KEYS, NOON


@pytest.mark.parametrize(
    ("text", "scale", "vote"),
    [
        ("10", NPS, Vote(10, "")),
        ("10/10 とても良い", NPS, Vote(10, "とても良い")),
        ("0", NPS, Vote(0, "")),
        ("１０です。", NPS, Vote(10, "")),
        ("7 of course", CES, None),
        ("7", CES, Vote(7, "")),
        ("7", CSAT, None),
        ("11", NPS, None),
        ("8", CES, None),
        ("10日待ちました", NPS, None),
    ],
)
def test_a_number_counts_on_its_own_scale_only(text: str, scale: Scale, vote: Vote | None) -> None:
    assert read(text, scale) == vote


@pytest.mark.parametrize(
    ("data", "scale", "score"),
    [
        ("vote:5", CSAT, 5),
        ("vote:0", NPS, 0),
        ("vote:0", CSAT, None),
        ("vote:6", CSAT, None),
        ("vote:-1", NPS, None),
        ("vote:5\n", CSAT, None),
        ("vote:٥", CSAT, None),
        ("solved", CSAT, None),
    ],
)
def test_a_button_means_a_score_of_its_scale_or_none(
    data: str, scale: Scale, score: int | None
) -> None:
    assert pressed(data, scale) == score


@pytest.mark.parametrize(
    ("template", "scale"),
    [("survey", CSAT), ("survey_ces", CES), ("survey_nps_shop", NPS), ("survey_repairs", CSAT)],
)
def test_the_name_of_a_template_names_its_scale(template: str, scale: Scale) -> None:
    assert is_survey(template)
    assert scale_of(template) == scale
    assert [button.data for button in buttons(template)] == [f"vote:{n}" for n in scale.scores]


def test_a_surveyor_is_no_survey() -> None:
    assert not is_survey("surveyor")


def test_nobody_is_asked_after_the_platform_s_window() -> None:
    surveys = Surveys(KEYS, "", timedelta(days=30), timedelta(days=14))
    day = timedelta(days=1)
    assert surveys.too_late(instant(NOON - day), NOON, day) == "the channel's window is closed"
    assert surveys.too_late(instant(NOON - day), NOON, 2 * day) == ""
    assert surveys.too_late(instant(NOON - 31 * day), NOON, None)
    assert surveys.link(1, 2) == ""
