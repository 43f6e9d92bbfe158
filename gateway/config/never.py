"""Rules that can never fire, seen once the whole file is read: time and statuses are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.config.errors import Finding
from gateway.config.models import Config
from scheduler.calendar import Calendar, due
from scheduler.rules import UNANSWERED, Rule

# From each of these moments a wait may begin: every hour of two weeks.
_FIRST = datetime(2026, 11, 2, tzinfo=UTC)
_MOMENTS = [_FIRST + timedelta(hours=hour) for hour in range(14 * 24)]


def check(config: Config) -> Iterator[Finding]:
    """Each with its key and what would be right."""
    yield from _resolves_while_we_owe(config)
    yield from _comes_after_the_end(config)
    yield from _warns_before_it_is_promised(config)


def _resolves_while_we_owe(config: Config) -> Iterator[Finding]:
    for index, rule in enumerate(config.follow_up):
        if rule.when == UNANSWERED and rule.set_status == "resolved":
            said = (
                "can never fire: a case that waits for our answer is not resolved by itself;"
                ' write when = "pending", or notify somebody'
            )
            yield Finding(("follow_up", index, "set_status"), said)


def _comes_after_the_end(config: Config) -> Iterator[Finding]:
    """A rule that waits longer than the status lasts: another one always ends it before."""
    usual = _weeks(config.calendar_())
    rules = [one.rule(config.calendars_()) for one in config.follow_up]
    for index, rule in enumerate(rules):
        for other in rules:
            ends = other.set_status not in ("", rule.when) and rule.when != UNANSWERED
            if other.when == rule.when and ends and _is_always_first(usual, other, rule):
                said = (
                    f'can never fire: "{other.name}" sets {other.set_status} after {other.after},'
                    f" always before {rule.after} have passed; wait less long, or let it wait longer"
                )
                yield Finding(("follow_up", index, "after"), said)


def _is_always_first(usual: Calendar, first: Rule, then: Rule) -> bool:
    if first is then:
        return False
    one = _weeks(first.calendar) if first.calendar else usual
    other = _weeks(then.calendar) if then.calendar else usual
    return all(due(one, at, first.after) < due(other, at, then.after) for at in _MOMENTS)


def _weeks(calendar: Calendar) -> Calendar:
    """Without public holidays: they take a third of a second to load, and hold for both alike."""
    return replace(calendar, countries=())


def _warns_before_it_is_promised(config: Config) -> Iterator[Finding]:
    within, calendar = config.acknowledge.reply_within, _weeks(config.calendar_())
    for key in ("warn", "notice"):
        lead = getattr(config.promise, key)
        is_set = key in config.promise.model_fields_set and lead is not None
        if is_set and all(due(calendar, at, lead) >= due(calendar, at, within) for at in _MOMENTS):
            said = (
                f"is no less than reply_within = {within}, so it would never come before the"
                " promised time; write a shorter one"
            )
            yield Finding(("promise", key), f'"{lead}" {said}')
