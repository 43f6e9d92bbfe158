"""Rules that can never fire are refused, each with its line, its key and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.config.test_errors import CHANNEL, problems

HOURS = '[calendar]\nhours = { mon-fri = ["09:00-18:00"] }\nholidays = "JP"\n'


def rule(name: str, when: str, after: str, action: str) -> str:
    return f'[[follow_up]]\nname = "{name}"\nwhen = "{when}"\nafter = "{after}"\n{action}\n'


def closing(after: str, when: str = "pending") -> str:
    return rule("close", when, after, 'set_status = "resolved"')


@pytest.mark.parametrize(
    ("after", "closes"),
    [
        ("10 days", "4 days"),
        ("10 business days", "4 business days"),
        ("10 days", "4 business days"),
        ("5 business days", "100 hours"),
        ("9 business hours", "8 business hours"),
        ("3 business days", "next business day 10:00"),
    ],
)
def test_what_comes_after_the_end_can_never_fire(tmp_path: Path, after: str, closes: str) -> None:
    text = HOURS + rule("nudge", "pending", after, 'send = "nudge"') + closing(closes)
    (problem,) = problems(tmp_path, text)
    assert (problem.line, problem.key) == (7, "follow_up[0].after")
    assert f'"close" sets resolved after {closes}' in problem.message
    assert "let it wait longer" in problem.message


@pytest.mark.parametrize(
    ("after", "closes"),
    [
        ("4 days", "4 days"),  # together: which comes first is not said
        ("2 business days", "4 business days"),
        ("4 days", "3 business days"),  # over a weekend the end comes later
        ("2 days", "next business day 10:00"),
    ],
)
def test_what_may_come_before_the_end_is_good(tmp_path: Path, after: str, closes: str) -> None:
    text = HOURS + rule("nudge", "pending", after, 'send = "nudge"') + closing(closes)
    assert problems(tmp_path, text) == []


def test_another_status_s_end_is_no_end(tmp_path: Path) -> None:
    nudge = rule("nudge", "pending", "10 days", 'send = "nudge"')
    assert problems(tmp_path, nudge + closing("4 days", "on_hold")) == []
    kept = rule("stay", "unanswered", "1 day", 'set_status = "open"')
    late = rule("late", "unanswered", "9 days", 'notify = ["a@example.com"]')
    assert problems(tmp_path, CHANNEL + kept + late) == []


def test_a_rule_may_count_by_a_calendar_that_ends_sooner(tmp_path: Path) -> None:
    night = '[[calendars]]\nname = "night"\nhours = { mon-sun = ["00:00-24:00"] }\n'
    nudge = rule("nudge", "pending", "30 business hours", 'send = "nudge"\ncalendar = "night"')
    assert problems(tmp_path, HOURS + night + nudge + closing("20 business hours")) == []


def test_nothing_is_resolved_while_a_customer_waits_for_us(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, closing("30 days", "unanswered"))
    assert (problem.line, problem.key) == (5, "follow_up[0].set_status")
    assert 'write when = "pending", or notify somebody' in problem.message


@pytest.mark.parametrize("key", ["warn", "notice"])
@pytest.mark.parametrize("lead", ["4 business hours", "2 business days", "6 days"])
def test_what_warns_no_sooner_than_the_promise_is_refused(
    tmp_path: Path, key: str, lead: str
) -> None:
    (problem,) = problems(tmp_path, f'{HOURS}[promise]\n{key} = "{lead}"\n')
    assert (problem.line, problem.key) == (5, f"promise.{key}")
    assert "write a shorter one" in problem.message
    assert problems(tmp_path, f'{HOURS}[promise]\n{key} = "3 business hours"\n') == []
