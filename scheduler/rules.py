"""Pure: what shall happen to a case that waits, as rules, and the rows that a cause makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Literal, NamedTuple

from scheduler.calendar import Calendar, ahead, due
from scheduler.duration import Duration

UNANSWERED: Final = "unanswered"
TOLD: Final = "told"  # a person changed what the customer shall hear of
PROMISED: Final = "promised"  # a customer was told by when a person answers
UPDATE: Final = "update"  # … and, later, by when we write next

Missed = Literal["spread", "at_once", "skip"]


class Only(NamedTuple):
    """Which cases a rule is for: of each kind of fact the case has one of these; none asks nothing."""

    channel: frozenset[str] = frozenset()
    tag: frozenset[str] = frozenset()
    language: frozenset[str] = frozenset()
    attribute: frozenset[str] = frozenset()

    def missed_by(self, case: Only) -> str:
        """What of a case is none of these; "" for a case that the rule is for."""
        asked = zip(self._fields, self, case, strict=True)
        return next((name for name, ours, its in asked if ours and ours.isdisjoint(its)), "")

    def covers(self, other: Only) -> bool:
        """Whether it is for every case that `other` is for."""
        asked = zip(self, other, strict=True)
        return all(
            not ours or (its and all(map(partial(_names, ours), its))) for ours, its in asked
        )


def _names(ours: frozenset[str], fact: str) -> bool:
    """An attribute's name stands for all of its values."""
    return fact in ours or fact.partition("=")[0] in ours


ANY_CASE: Final = Only()


@dataclass(frozen=True, slots=True)
class Rule:
    """`after` a case began to be `when` (a status, or UNANSWERED): one of the three actions.

    Of a promise (PROMISED, UPDATE) it is so long before the promised time.

    `send` names a template for the customer, `notify` addresses of ours, `set_status` a status.
    `missed` says what becomes of a row that is over an hour late; `calendar` is the rule's own,
    `only` says which cases it is for.
    """

    name: str
    when: str
    after: Duration
    send: str = ""
    notify: tuple[str, ...] = ()
    set_status: str = ""
    missed: Missed = "spread"
    calendar: Calendar | None = None
    only: Only = ANY_CASE

    @property
    def asks_or_closes(self) -> bool:
        """Whether it takes a word of the customer's to be next: none is while we owe one."""
        asks = self.when == "pending" and bool(self.send)
        return asks or self.set_status == "resolved"


class Due(NamedTuple):
    """When a rule fires for something that began."""

    rule: str
    due_at: datetime


def begin(rules: Iterable[Rule], calendar: Calendar, when: str, at: datetime) -> Iterator[Due]:
    """The rows for a case that is `when` from now on."""
    for rule in rules:
        if rule.when == when:
            yield Due(rule.name, due(rule.calendar or calendar, at, rule.after))


def watch(rules: Iterable[Rule], calendar: Calendar, at: datetime, by: datetime) -> Iterator[Due]:
    """The rows of rules that watch over a promise made at `at` to write until `by`."""
    for rule in rules:
        yield Due(rule.name, ahead(calendar, at, by, rule.after))


def named(rules: Iterable[Rule], when: str) -> tuple[str, ...]:
    """The rules that wait while a case is `when`."""
    return tuple(rule.name for rule in rules if rule.when == when)
