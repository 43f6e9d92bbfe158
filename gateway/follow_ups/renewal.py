"""Pure: a customer's next update that comes later than we said: what holds, and until when."""

from __future__ import annotations

from datetime import datetime

from gateway.follow_ups.follow import Follow, began, nth_of
from gateway.record import event_row
from gateway.words.dates import as_said
from scheduler.rules import PROMISED, UPDATE, Rule
from store import rows
from store.due import Due
from store.known import Changes
from store.rows import instant, moment


def is_moot(rule: Rule, row: Due, case: rows.Case, now: datetime) -> str:
    """Why a row has nothing to do with what we owe the customer now; "" where it has."""
    if rule.when == PROMISED and rule.send and case.next_update_by:
        if case.next_update_said_at == instant(now):
            return "the customer hears of another time just now"
        if moment(case.next_update_by) <= as_said(began(row.cause)):
            return "the update that a person promised is watched, and comes no later"
    if rule.when == UPDATE and rule.send and case.next_update_by != instant(began(row.cause)):
        return "another time was said"
    if case.next_update_by and rule.asks_or_closes:
        return "we owe the customer an update first"
    return ""


def by_when(follow: Follow, rule: Rule, case: rows.Case, now: datetime) -> datetime | None:
    """By when the customer hears from us, as it is said now; None where nobody knows."""
    said = moment(case.next_update_by) if case.next_update_by else None
    if rule.when == PROMISED and not is_said(case, now):
        return follow.promising(case, now).by
    return said


def is_said(case: rows.Case, now: datetime) -> bool:
    """Whether a person has said by when the customer hears from us, and that time is to come.

    It stands in for a first answer's new time then: two of them would be one too many.
    """
    return case.next_update_by is not None and moment(case.next_update_by) > now


def renewed(follow: Follow, case: rows.Case, now: datetime) -> rows.Case:
    """The case with a new time, as the customer is about to read it."""
    by = follow.promising(case, now).by.astimezone(follow.calendar(case).zone)
    return case._replace(next_update_by=instant(as_said(by)), next_update_said_at=instant(now))


def write(
    follow: Follow, row: Due, before: rows.Case, after: rows.Case, changes: Changes, now: datetime
) -> None:
    """Keep the new time: it is watched as the old one was."""
    changes.update(
        "cases", after.id,
        next_update_by=after.next_update_by, next_update_said_at=after.next_update_said_at,
    )  # fmt: skip
    follow.owed(before, after, now, changes, nth_of(row.cause) + 1)
    follow.stands_in(after, now, changes)
    event_row(
        changes, "case.changed", after.conversation_id, instant(now), case_id=after.id,
        by=f"follow_up:{row.rule}", before={"next_update_by": before.next_update_by},
        after={"next_update_by": after.next_update_by},
    )  # fmt: skip
