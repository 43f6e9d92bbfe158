"""Rules that can never fire, seen once the whole file is read: time and statuses are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.config.errors import Finding, any_of
from gateway.config.lines import KeyPath
from gateway.config.models import Config
from gateway.surveys.scale import is_survey
from gateway.team.reached import colleague, is_elsewhere
from gateway.team.route import SENSITIVE
from scheduler.calendar import Calendar, due
from scheduler.duration import Duration
from scheduler.rules import UNANSWERED, Rule

# From each of these moments a wait may begin: every hour of two weeks.
_FIRST = datetime(2026, 11, 2, tzinfo=UTC)
_MOMENTS = [_FIRST + timedelta(hours=hour) for hour in range(14 * 24)]


def check(config: Config) -> Iterator[Finding]:
    """Each with its key and what would be right."""
    yield from _resolves_while_we_owe(config)
    yield from _settles_while_we_owe(config)
    yield from _speaks_where_a_person_does(config)
    yield from _comes_after_the_end(config)
    yield from _asks_too_late(config)
    yield from _asks_again(config)
    yield from _warns_before_it_is_promised(config)
    yield from _reaches_nobody(config)
    yield from _waits_for_an_end_of_no_end(config)


def _resolves_while_we_owe(config: Config) -> Iterator[Finding]:
    for index, rule in enumerate(config.follow_up):
        if rule.when == UNANSWERED and rule.set_status == "resolved":
            said = (
                "can never fire: a case that waits for our answer is not resolved by itself;"
                ' write when = "pending", or notify somebody'
            )
            yield Finding(("follow_up", index, "set_status"), said)


def _settles_while_we_owe(config: Config) -> Iterator[Finding]:
    for index, rule in enumerate(config.follow_up):
        if rule.when == UNANSWERED and rule.send and _speaks_of_the_end(rule.send):
            said = (
                "can never fire: it speaks of a matter that is settled, to a customer who waits for"
                ' our answer; write when = "resolved", or send a notice'
            )
            yield Finding(("follow_up", index, "send"), said)


def _speaks_of_the_end(template: str) -> bool:
    return template == "closing" or is_survey(template)


def _speaks_where_a_person_does(config: Config) -> Iterator[Finding]:
    for index, rule in enumerate(config.follow_up):
        if rule.send and rule.tag and set(rule.tag) <= {SENSITIVE}:
            said = (
                "can never fire: in a sensitive case only a person speaks to the customer; name"
                " other tags, or notify somebody"
            )
            yield Finding(("follow_up", index, "tag"), said)


def _comes_after_the_end(config: Config) -> Iterator[Finding]:
    """A rule that waits longer than the status lasts: another one always ends it before."""
    usual = _weeks(config.calendar_())
    rules = [one.rule(config.calendars_()) for one in config.follow_up]
    for index, rule in enumerate(rules):
        for other in rules:
            ends = other.set_status not in ("", rule.when) and rule.when != UNANSWERED
            ends = ends and other.only.covers(rule.only)
            if other.when == rule.when and ends and _is_always_first(usual, other, rule):
                said = (
                    f'can never fire: "{other.name}" sets {other.set_status} after {other.after},'
                    f" always before {rule.after} have passed; wait less long, or let it wait longer"
                )
                yield Finding(("follow_up", index, "after"), said)


def _asks_too_late(config: Config) -> Iterator[Finding]:
    """A survey whose question would always come when nobody is asked any more."""
    usual, recent = _weeks(config.calendar_()), config.survey.recent
    for index, one in enumerate(config.follow_up):
        rule = one.rule(config.calendars_())
        if is_survey(rule.send) and not _may_come_within(usual, rule, recent):
            said = (
                f"can never fire: nobody is asked whose last word is older than [survey] recent ="
                f" {recent}; wait less long, or let it be longer"
            )
            yield Finding(("follow_up", index, "after"), said)


def _may_come_within(usual: Calendar, rule: Rule, most: Duration) -> bool:
    calendar = _weeks(rule.calendar) if rule.calendar else usual
    return any(due(calendar, at, rule.after) <= at + most.span for at in _MOMENTS)


def _asks_again(config: Config) -> Iterator[Finding]:
    """A survey after another one that every case of its has had before: one is asked at most."""
    usual = _weeks(config.calendar_())
    rules = [one.rule(config.calendars_()) for one in config.follow_up]
    for index, rule in enumerate(rules):
        for other in rules:
            both = is_survey(rule.send) and is_survey(other.send) and other.when == rule.when
            if both and other.only.covers(rule.only) and _is_always_first(usual, other, rule):
                said = (
                    f'can never fire: "{other.name}" has always asked before, and a case is asked'
                    " once; keep one of the two, or let each be for other cases"
                )
                yield Finding(("follow_up", index, "send"), said)


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


def _waits_for_an_end_of_no_end(config: Config) -> Iterator[Finding]:
    calendars = config.calendars_()
    for index, route in enumerate(config.route):
        on = [one.name for one in config.channels if not route.channel or one.name in route.channel]
        if (
            route.open is False
            and on
            and all(calendars.on(one).calendar.never_closes for one in on)
        ):
            said = "can never hold: you are open day and night, every day; leave the key out"
            yield Finding(("route", index, "open"), said)


def _reaches_nobody(config: Config) -> Iterator[Finding]:
    """Colleagues on a messenger that no channel of ours is for."""
    kinds = sorted({settings.reaches or settings.type for settings in config.channels})
    told: dict[KeyPath, tuple[str, ...]] = {("promise", "notify"): config.promise.notify}
    for index, rule in enumerate(config.follow_up):
        told["follow_up", index, "notify"] = rule.notify or ()
    for path, notify in told.items():
        for place, one in enumerate(notify):
            kind = colleague(one).kind
            if kind not in kinds and is_elsewhere(one):
                possible = f"possible: {any_of(kinds)}" if kinds else "there is none"
                said = f'no channel of ours reaches "{kind}:"; {possible}, or a mail address'
                yield Finding((*path, place), said)
