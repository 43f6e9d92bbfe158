"""A message that says "no more promotions", and nothing else: kept and confirmed, and nobody's matter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

from gateway import record
from gateway.incoming import books
from gateway.matching import optout
from gateway.matching.participants import Check
from gateway.matching.place import candidates, person_of
from gateway.outgoing import acknowledge
from gateway.outgoing.acknowledge import Asked, Decision, Limits
from gateway.outgoing.alive import is_failing
from gateway.outgoing.answer import LEFT
from gateway.outgoing.letter import Why, said
from gateway.team.route import Mode, stricter
from normalizer.message import Identity, Message
from store import rows
from store.known import Accepted, Arrival, Changes, Known, Person

Confirm = Callable[[Arrival, Message, Person, int | None, int], rows.Message]

_NOTICE: Final = "notice"


class _Answered(NamedTuple):
    """What of ours a message answers: its kind, and the case that it was said in."""

    kind: str
    case_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Takes such a message, where promotions are sent at all; `confirm` writes what we say to it.

    `check` tells what a token stands for; `modes` say by channel how freely we speak there.
    """

    confirm: Confirm
    check: Check
    own: Collection[Identity]
    limits: Limits
    enabled: bool
    to_blind_copies: bool
    modes: Mapping[str, Mode]

    def __call__(
        self, known: Known, arrival: Arrival, message: Message, changes: Changes
    ) -> Accepted | None:
        """None for whatever somebody has to look at."""
        if not self._is_surely(arrival, message) or not optout.is_no(message):
            return None
        person = known.people.get(str(arrival.author.identity))
        answered = _answered(known, arrival, message, person)
        if answered.kind != _NOTICE and not self._is_alone(known, arrival, message, person):
            return None
        person = person_of(known, arrival, message, changes)
        return self._take(known, arrival, message, person, answered.case_id, changes)

    def _is_surely(self, arrival: Arrival, message: Message) -> bool:
        """Theirs, of now, and with nothing beside it."""
        files = any(part.role == "attachment" for part in message.parts)
        beside = files or message.pressed or message.mentions or message.unreadable
        return arrival.author.authenticated and not arrival.history and not beside

    def _is_alone(
        self, known: Known, arrival: Arrival, message: Message, person: Person | None
    ) -> bool:
        """Out of the blue: it answers nothing, and would begin a matter of its own."""
        if message.in_reply_to or message.references:
            return False
        if arrival.gap is None and not (message.subject == "" or optout.says_no(message.subject)):
            return False
        if person is None or known.last_told.get(person.conversation_id) == _NOTICE:
            return True
        goes_on = next(candidates(known, arrival, message, person, self.check), None)
        return goes_on is None or goes_on.case.status == "resolved"

    def _take(
        self, known: Known, arrival: Arrival, message: Message, person: Person,
        case_id: int | None, changes: Changes,
    ) -> Accepted:  # fmt: skip
        id_ = arrival.rereads or changes.new_id()
        mode = self._mode(known, arrival, case_id)
        decision = self._decide(known, arrival, message, person, mode, changes)
        decisions = [
            books.wrote(arrival),
            books.decided("case", str(case_id or "none"), "an opt-out is nobody's matter"),
            books.answered(decision),
        ]
        row = record.message_row(
            id_, arrival, message, status="stored", flags=(), decisions=decisions,
            where=(person.conversation_id, case_id, person.customer_id, person.identity_id),
        )  # fmt: skip
        accepted = Accepted(id_, "accepted")
        books.enter(known, arrival, message, row, accepted, changes)
        record.received_row(changes, arrival, row, is_person=True)
        words: Sequence[tuple[Any, ...]] = ()
        if decision.send or decision.watched:
            words = self._said(known, arrival, message, person, case_id, id_, mode, changes)
        optout.take(arrival, message, person, id_, changes, words)
        return accepted

    def _mode(self, known: Known, arrival: Arrival, case_id: int | None) -> Mode:
        """As freely as on its channel, and no more so than in the case of the promotion."""
        case, here = known.cases.get(case_id or 0), self.modes[arrival.channel]
        return stricter(cast("Mode", case.mode), here) if case and case.mode else here

    def _decide(
        self, known: Known, arrival: Arrival, message: Message, person: Person, mode: Mode,
        changes: Changes,
    ) -> Decision:  # fmt: skip
        asked = Asked(
            arrival=arrival,
            message=message,
            own=self.own,
            enabled=self.enabled,
            mode=mode,
            to_blind_copies=self.to_blind_copies,
            is_new_case=True,
            conversation_id=person.conversation_id,
            failing=is_failing(known, arrival, person, changes),
            distrusted=arrival.distrusted,
        )
        spent = known.watched if mode == "watch" else known.spent
        found = acknowledge.decide(asked, self.limits, spent)
        return found._replace(reason="an opt-out, confirmed once a day") if found.send else found

    def _said(
        self, known: Known, arrival: Arrival, message: Message, person: Person,
        case_id: int | None, id_: int, mode: Mode, changes: Changes,
    ) -> Sequence[tuple[Any, ...]]:  # fmt: skip
        row = self.confirm(arrival, message, person, case_id, changes.new_id())
        spent = known.watched if mode == "watch" else known.spent
        acknowledge.count(spent, arrival, person.conversation_id)
        why = Why(id_, LEFT, "the customer wants no promotions")
        return said(
            changes, row, mode, why, at=arrival.at, budget=arrival.budget, authenticated=True
        )


def _answered(known: Known, arrival: Arrival, message: Message, person: Person | None) -> _Answered:
    """By the token that was given to this address, or by the platform's own id.

    Ids of platforms are unique in one conversation only; and a case may be another's by now.
    """
    if person is None:
        return _Answered("")
    given = known.given.get(arrival.tokens[0].message_id) if arrival.tokens else None
    if given:
        case = known.cases.get(given.case_id or 0)
        is_own = case is not None and case.conversation_id == person.conversation_id
        return _Answered(given.kind, given.case_id if is_own else None)
    held = known.reported.get((arrival.channel, message.in_reply_to))
    if held and held.conversation_id == person.conversation_id:
        return _Answered(held.kind, held.case_id)
    return _Answered("")
