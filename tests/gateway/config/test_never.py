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


ONLY_SOME = [
    ("", 'tag = "promo"', True),
    ('tag = "promo"', "", False),
    ('tag = "promo"', 'tag = ["promo", "trial"]', False),
    ('tag = ["promo", "trial"]', 'tag = "promo"', True),
    ('language = "ja"', 'language = "en"', True),
    ('attribute = "plan=free"', 'attribute = "plan"', False),
    ('attribute = "plan"', 'attribute = "plan=free"', True),
]


@pytest.mark.parametrize(("nudged", "closed", "is_good"), ONLY_SOME)
def test_an_end_counts_for_the_cases_that_it_is_for(
    tmp_path: Path, nudged: str, closed: str, *, is_good: bool
) -> None:
    nudge = rule("nudge", "pending", "10 days", f'send = "nudge"\n{nudged}')
    text = nudge + closing("2 days") + f"{closed}\n"
    assert (problems(tmp_path, text) == []) is is_good


@pytest.mark.parametrize("template", ["closing", "survey", "survey_nps"])
def test_nothing_is_said_to_be_settled_while_we_owe_an_answer(
    tmp_path: Path, template: str
) -> None:
    text = rule("a", "unanswered", "2 days", f'send = "{template}"')
    (problem,) = problems(tmp_path, text)
    assert (problem.line, problem.key) == (5, "follow_up[0].send")
    assert 'write when = "resolved", or send a notice' in problem.message
    assert problems(tmp_path, text.replace("unanswered", "resolved")) == []


def test_a_rule_for_sensitive_cases_alone_says_nothing_to_customers(tmp_path: Path) -> None:
    text = rule("a", "pending", "2 days", 'send = "nudge"\ntag = "sensitive"')
    (problem,) = problems(tmp_path, text)
    assert (problem.line, problem.key) == (6, "follow_up[0].tag")
    assert "notify somebody" in problem.message
    assert problems(tmp_path, text.replace('"sensitive"', '["sensitive", "vip"]')) == []


def test_a_survey_that_always_comes_too_late_is_refused(tmp_path: Path) -> None:
    text = '[survey]\nrecent = "4 days"\n' + rule("a", "resolved", "5 days", 'send = "survey"')
    (problem,) = problems(tmp_path, text)
    assert (problem.line, problem.key) == (6, "follow_up[0].after")
    assert "wait less long" in problem.message
    assert problems(tmp_path, text.replace("5 days", "4 business days")) == []


def test_a_case_is_asked_once_so_the_second_survey_is_refused(tmp_path: Path) -> None:
    first = rule("first", "resolved", "1 day", 'send = "survey"')
    second = rule("second", "resolved", "2 days", 'send = "survey_nps"')
    (problem,) = problems(tmp_path, first + second)
    assert (problem.line, problem.key) == (10, "follow_up[1].send")
    assert '"first" has always asked before' in problem.message
    assert problems(tmp_path, f'{first}tag = "shop"\n{second}') == []


def test_a_route_for_closed_hours_needs_some(tmp_path: Path) -> None:
    always = '[calendar]\nhours = { mon-sun = ["00:00-24:00"] }\n'
    route = '[[route]]\nname = "night"\nopen = false\ntags = ["night"]\n'
    (problem,) = problems(tmp_path, always + CHANNEL + route)
    assert problem.key == "route[0].open"
    assert "open day and night" in problem.message
    closed = always.replace("]", "]", 1) + 'closed = ["12-25"]\n'
    assert problems(tmp_path, closed + CHANNEL + route) == []


def test_quiet_hours_end(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '[calendar]\nquiet = "21:00-21:00"\n')
    assert (problem.line, problem.key) == (2, "calendar.quiet")
    assert "two times that differ" in problem.message


@pytest.mark.parametrize(
    ("value", "is_good"), [("Sofa", False), ("lamp", True), ("ＬＡＭＰ", True)]
)
def test_a_route_waits_for_a_value_that_an_attribute_has(
    tmp_path: Path, value: str, *, is_good: bool
) -> None:
    ask = '[[ask]]\nname = "product"\nvalues = ["Lamp"]\n'
    route = f'[[route]]\nname = "a"\nattribute = "product={value}"\ntags = ["x"]\n'
    found = problems(tmp_path, ask + route)
    assert (found == []) is is_good
    for problem in found:
        assert (problem.line, problem.key) == (6, "route[0].attribute")
        assert f'"{value}" is none of its values' in problem.message
