"""Pure: what a message or a change of status does to the follow-ups of a case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from scheduler.calendar import Calendar
from scheduler.rules import UNANSWERED, Rule, begin, named
from store import rows
from store.known import Changes
from store.rows import instant, moment


@dataclass(frozen=True, slots=True)
class Follow:
    """The rules, and the calendar that they count by."""

    rules: tuple[Rule, ...]
    calendar: Calendar

    def customer_wrote(
        self, before: rows.Case | None, case: rows.Case, at: datetime, changes: Changes
    ) -> None:
        """A customer's own word in `case`; `before` is how it stood, None when this opened it.

        The first word that nobody answered counts, later ones do not begin anew.
        """
        if case.unanswered_since is None:
            return
        if before is None or before.unanswered_since is None:
            self._begin(case, UNANSWERED, at, changes)
        self.status_set(before.status if before else "", case, at, changes, "the customer wrote")

    def status_set(
        self, before: str, case: rows.Case, at: datetime, changes: Changes, why: str
    ) -> None:
        """A case has another status now; what waited for the old one need not happen."""
        if before == case.status:
            return
        changes.cancel(case.id, named(self.rules, before), instant(at), why)
        if case.status == "resolved":
            self.answered(case.id, at, changes, why)
        self._begin(case, case.status, at, changes)

    def answered(self, case_id: int, at: datetime, changes: Changes, why: str) -> None:
        """A person has answered: nobody waits for us any more."""
        changes.cancel(case_id, named(self.rules, UNANSWERED), instant(at), why)

    def _begin(self, case: rows.Case, when: str, at: datetime, changes: Changes) -> None:
        for row in self._rows(case, when, at, changes):
            changes.add(row)

    def _rows(
        self, case: rows.Case, when: str, at: datetime, changes: Changes
    ) -> Iterator[rows.FollowUp]:
        for due in begin(self.rules, self.calendar, when, at):
            yield rows.FollowUp(
                id=changes.new_id(),
                case_id=case.id,
                conversation_id=case.conversation_id,
                rule=due.rule,
                cause=cause(when, at),
                state="pending",
                due_at=instant(due.due_at),
                settled_at=None,
                reason="",
            )


def cause(when: str, at: datetime) -> str:
    """What a row stands for: one rule fires once for one cause."""
    return f"{when}@{instant(at)}"


def began(written: str) -> datetime:
    """When the cause of a row began."""
    return moment(written.partition("@")[2])
