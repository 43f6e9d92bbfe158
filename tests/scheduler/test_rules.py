"""Which rows a cause makes."""

from __future__ import annotations

from datetime import UTC, datetime

from scheduler.calendar import Calendar
from scheduler.duration import Duration
from scheduler.rules import UNANSWERED, Due, Rule, begin, named

FRIDAY = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)  # 15:00 in Tokyo
TOKYO = Calendar.build("Asia/Tokyo", {"mon-fri": ["09:00-18:00"]}, "JP")
REMIND = Rule("remind", UNANSWERED, Duration.parse("4 business hours"), notify=("a@example.com",))
NUDGE = Rule("nudge", "pending", Duration.parse("2 business days"), send="nudge")
CLOSE = Rule("close", "pending", Duration.parse("9 days"), set_status="resolved")
RULES = (REMIND, NUDGE, CLOSE)


def test_each_rule_of_the_cause_makes_a_row_by_the_calendar() -> None:
    # Saturday, Sunday and the holiday of the 23rd do not count.
    found = list(begin(RULES, TOKYO, UNANSWERED, FRIDAY))
    assert found == [Due("remind", datetime(2026, 11, 24, 1, 0, tzinfo=UTC))]
    assert [due.rule for due in begin(RULES, TOKYO, "pending", FRIDAY)] == ["nudge", "close"]
    assert not list(begin(RULES, TOKYO, "open", FRIDAY))


def test_rules_are_named_by_what_they_wait_for() -> None:
    assert named(RULES, "pending") == ("nudge", "close")
