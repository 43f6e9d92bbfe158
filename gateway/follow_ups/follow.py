"""Pure: what a message or a change of status does to the follow-ups of a case."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote, unquote

from gateway.promises.word import Promising
from gateway.team.route import is_sensitive
from scheduler.calendar import Calendar
from scheduler.rules import PROMISED, TOLD, UNANSWERED, UPDATE, Due, Rule, begin, named, watch
from store import rows
from store.known import Changes
from store.rows import instant, moment

# So often a customer hears of a new time while nobody answers; of more we only remind ourselves.
_NOTICES: Final = 2
_UNREAD: Final = "unread"  # the cause of what goes with a promise that nobody was sent
WANTED: Final = "wanted"  # the cause of a reminder that a customer asked for
_WAITING: Final = "notice.status on_hold"  # the rule by which one hears by when we write next
HANDED_OVER: Final = "notice.owner"  # the rule by which a customer hears of another owner


@dataclass(frozen=True, slots=True)
class Follow:
    """The rules, and by when we promise to answer.

    Cases with a tag of `untold` are not told of.
    """

    rules: tuple[Rule, ...]
    promising: Promising
    untold: frozenset[str] = frozenset()

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
            changes.cancel(case.id, named(self.rules, UPDATE), instant(at), why)
        self._begin(case, case.status, at, changes)

    def answered(self, case_id: int, at: datetime, changes: Changes, why: str) -> None:
        """A person has answered: nobody waits for us any more."""
        ended = (UNANSWERED, PROMISED, TOLD)
        names = tuple(name for when in ended for name in named(self.rules, when))
        changes.cancel(case_id, names, instant(at), why)

    def told(
        self, before: rows.Case, case: rows.Case, at: datetime, changes: Changes,
        handed_from: str = "",
    ) -> None:  # fmt: skip
        """A person changed the status, the stage or the owner; of several changes the last is told.

        `handed_from` is the other owner whom the customer knew of; "" where it is no hand-over.
        """
        wanted = []
        if handed_from and case.owner != before.owner:
            wanted.append(HANDED_OVER)
        if case.status != before.status:
            wanted.append(f"notice.status {case.status}")
        if case.stage != before.stage:
            wanted.append(f"notice.stage {case.stage}")
        if not wanted:
            return
        changes.cancel(case.id, named(self.rules, TOLD), instant(at), "it was changed again")
        if self.untold.isdisjoint(json.loads(case.tags)):
            rules = [rule for rule in self.rules if rule.name in wanted]
            begun = tuple(begin(rules[-1:], self.calendar(case), TOLD, at))
            self._add(case, begun, told_of(handed_from), at, changes)
            if case.next_update_by and any(due.rule == _WAITING for due in begun):
                self.stands_in(case, at, changes)

    def stands_in(self, case: rows.Case, at: datetime, changes: Changes) -> None:
        """The customer hears by when we write next: that is instead of a late first answer's notice."""
        late = [rule for rule in self.rules if rule.send]
        why = "the customer hears of another time"
        changes.cancel(case.id, named(late, PROMISED), instant(at), why)

    def promised(
        self, case: rows.Case, at: datetime, changes: Changes, nth: int = 1, *, unread: bool = False
    ) -> None:
        """A customer reads, for the `nth` time in one wait, by when a person answers.

        `unread`: they would. Then nobody is told that it comes to nothing.
        """
        if rules := self._watching(PROMISED, nth, unread=unread):
            by, word = self.promising(case, at).by, _UNREAD if unread else PROMISED
            self._add(case, watch(rules, self.calendar(case), at, by), f"{word} {nth}", by, changes)

    def owed(
        self, before: rows.Case, case: rows.Case, at: datetime, changes: Changes, nth: int = 1
    ) -> None:
        """We write next by another time now, or owe no word any more.

        That a time was missed (`nth` is not the first) our people are told all the same.
        """
        if before.next_update_by == case.next_update_by:
            return
        why = "another time was said" if case.next_update_by else "no word is owed any more"
        over = [rule for rule in self.rules if rule.send or nth == 1]
        changes.cancel(case.id, named(over, UPDATE), instant(at), why)
        if case.next_update_by:
            by = moment(case.next_update_by)
            found = watch(self._watching(UPDATE, nth), self.calendar(case), at, by)
            # The same time may be said twice: by the number it is another cause.
            self._add(case, found, f"{UPDATE} {nth} {changes.last_id}", by, changes)
        elif before.status == case.status:
            self._customers_turn(case, at, changes, why)

    def _customers_turn(self, case: rows.Case, at: datetime, changes: Changes, why: str) -> None:
        """What asks and closes waits from our word on."""
        rules = [one for one in self.rules if one.when == case.status and one.asks_or_closes]
        changes.cancel(case.id, tuple(one.name for one in rules), instant(at), why)
        found = begin(rules, self.calendar(case), case.status, at)
        self._add(case, found, f"{case.status} {changes.last_id}", at, changes)

    def _watching(self, when: str, nth: int, *, unread: bool = False) -> list[Rule]:
        """The rules that watch over a promise that is made for the `nth` time."""
        return [
            rule
            for rule in self.rules
            if rule.when == when and (nth <= _NOTICES if rule.send else not unread)
        ]

    def calendar(self, case: rows.Case) -> Calendar:
        """What a case counts by."""
        return self.promising.calendars.of(case).calendar

    def wanted(self, case: rows.Case, at: datetime, message_id: int, changes: Changes) -> None:
        """A message asks for a person: who would be reminded of the wait is told now."""
        due = [Due(rule.name, at) for rule in self.rules if rule.when == UNANSWERED and rule.notify]
        self._add(case, due, f"{WANTED} {message_id}", at, changes)

    @property
    def _told(self) -> tuple[str, ...]:
        """The rules by which people learn that somebody waits."""
        return tuple(rule.name for rule in self.rules if rule.notify)

    def _begin(self, case: rows.Case, when: str, at: datetime, changes: Changes) -> None:
        self._add(case, begin(self.rules, self.calendar(case), when, at), when, at, changes)

    def _add(
        self, case: rows.Case, found: Iterable[Due], when: str, at: datetime, changes: Changes
    ) -> None:
        for due in found:
            at_once = when == UNANSWERED and is_sensitive(case) and due.rule in self._told
            row = rows.FollowUp(
                id=changes.new_id(),
                case_id=case.id,
                conversation_id=case.conversation_id,
                rule=due.rule,
                cause=cause(when, at),
                state="pending",
                due_at=instant(at if at_once else due.due_at),
                settled_at=None,
                reason="",
            )
            changes.add(row)


def cause(when: str, at: datetime) -> str:
    """What a row stands for: one rule fires once for one cause."""
    return f"{when}@{instant(at)}"


def told_of(handed_from: str) -> str:
    """What a notice stands for; it remembers who took care before the first of several changes."""
    return f"{TOLD} {quote(handed_from, safe='')}".rstrip()


def handed_from(written: str) -> str:
    """Who took care before, as the cause of a notice remembers it; "" where nobody else did."""
    return unquote(written.partition("@")[0].partition(" ")[2])


def began(written: str) -> datetime:
    """When the cause of a row began; of a promise, until when it runs."""
    return moment(written.partition("@")[2])


def is_unread(written: str) -> bool:
    """Whether a row goes with a promise that was only watched."""
    return written.startswith(_UNREAD)


def nth_of(written: str) -> int:
    """Which promise of one wait a row watches, from 1 on."""
    return int(written.partition("@")[0].split()[1])
