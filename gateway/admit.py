"""The plan of one transaction: what an arrival becomes in the store, and what we say to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import cast

from gateway import record
from gateway.alarm import Alarm, Alarms
from gateway.desk import sent
from gateway.desk.colleagues import Colleagues, Word
from gateway.desk.notify import Notify
from gateway.follow_ups.follow import Follow
from gateway.follow_ups.pressed import Press, act, is_no_question
from gateway.incoming import books, doubt, telling
from gateway.incoming.echo import heard
from gateway.incoming.leaving import Leaving
from gateway.incoming.messenger import beside, case_of
from gateway.incoming.raised import by_answer, by_arrival
from gateway.incoming.returned import note_bounce, of_a_letter
from gateway.intake import intake
from gateway.intake.intake import Intake
from gateway.intake.question import Question
from gateway.links.proofs import Proofs
from gateway.links.vouched import vouched
from gateway.matching import optout, participants
from gateway.matching.participants import Check
from gateway.matching.place import Place, duplicate_of, place, returned
from gateway.outgoing import acknowledge
from gateway.outgoing.acknowledge import NEW, Asked, Decision, Limits
from gateway.outgoing.alive import is_failing
from gateway.outgoing.answer import OFFERS, SOLVED
from gateway.outgoing.chosen import chosen
from gateway.outgoing.crowd import Crowd
from gateway.outgoing.letter import Why, say
from gateway.surveys import answer
from gateway.surveys.scale import PAGE
from gateway.team.route import ACKNOWLEDGEMENT, NOWHERE, Mode, Routed, Routing, stricter, tagged
from normalizer.message import Identity, Message
from store import rows
from store.known import Accepted, Arrival, Budget, Changes, Known, Person, Spent

Thanks = Callable[[Arrival, Message, rows.Case, Person, int], rows.Message]
Ask = Callable[[Arrival, Message, rows.Case, Person, Question, int], rows.Message]
Write = Callable[[Arrival, Message, Place, Decision, int], rows.Message]


def _uncounted(_: str, __: int) -> None:
    """Nobody counts votes."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The rules with everything they rest on; called by the writer for each arrival of a batch.

    `write_acknowledgement` makes the row of what we say; it gets the id that the row shall have.
    `check` tells what a token stands for that was given to an address.
    `listing` are the channels on which buttons are numbered lines.
    `marks` are the words of ours by which echoes are found when a mail is read. `voted(scale,
    score)` counts the answers to surveys. `watches`: somewhere we only keep what we would say, and
    `watched` is the crowd there.
    """

    own: frozenset[Identity]
    enabled: bool
    to_blind_copies: bool
    limits: Limits
    write_acknowledgement: Write
    check: Check
    watching: frozenset[str] = field(default_factory=frozenset)
    drafting: frozenset[str] = field(default_factory=frozenset)
    at_most: Mode = "live"
    watches: bool = False
    watched: Crowd = field(default_factory=Crowd)
    follow: Follow | None = None
    marks: tuple[str, ...] = ()
    crowd: Crowd = field(default_factory=Crowd)
    alarms: Alarms = field(default_factory=Alarms)
    colleagues: Colleagues | None = None
    notify: Notify | None = None
    routing: Routing | None = None
    voted: Callable[[str, int], None] = _uncounted
    intake: Intake | None = None
    question: Ask | None = None
    proofs: Proofs | None = None
    thanks: Thanks | None = None
    leaving: Leaving | None = None
    listing: frozenset[str] = field(default_factory=frozenset)

    @property
    def counted(self) -> frozenset[Budget]:
        return self.limits.counted

    @property
    def offers(self) -> bool:
        return self.proofs is not None and bool(self.proofs.offered)

    def __call__(self, known: Known, arrival: Arrival, changes: Changes) -> Accepted:
        if before := duplicate_of(known, arrival):
            return books.duplicate(known, arrival, changes, before)
        if arrival.message is None:
            return books.unread(known, arrival, changes)
        if "too-many-received" in arrival.message.defects:
            return books.refused(
                known, arrival, arrival.message, changes, "this mail is going round in a loop"
            )
        if why := arrival.canary or of_a_letter(known, arrival, arrival.message):
            self._raise(by_answer(arrival, arrival.message))
            return books.consumed(known, arrival, arrival.message, changes, why)
        if arrival.transport.sent:
            return self._sent(known, arrival, arrival.message, changes)
        earlier = known.rereading.get(arrival.rereads or 0)
        if earlier and earlier.status == "stored":
            return self._judged(known, arrival, arrival.message, changes)
        if word := self._word(known, arrival, arrival.message):
            return self._note(known, arrival, arrival.message, word, changes)
        if arrival.spam and not returned(known, arrival, arrival.message):
            return books.apart(known, arrival, arrival.message, changes)
        message = self._proved(known, arrival, arrival.message, changes)
        message = self._chosen(known, arrival, message)
        aside = self._aside(known, arrival, message, changes)
        return aside or self._read(known, arrival, message, changes)

    def _aside(
        self, known: Known, arrival: Arrival, message: Message, changes: Changes
    ) -> Accepted | None:
        """What is nobody's matter."""
        if taken := beside(known, arrival, message, changes):
            self._settled(known, arrival, message, taken.message, changes)
            return taken
        return self.leaving(known, arrival, message, changes) if self.leaving else None

    def _raise(self, alarms: Iterable[Alarm]) -> None:
        for alarm in alarms:
            self.alarms.raise_(alarm)

    def _chosen(self, known: Known, arrival: Arrival, message: Message) -> Message:
        """With the button that it names, where buttons are lines."""
        person = known.people.get(str(arrival.author.identity))
        if person is None or message.pressed or arrival.channel not in self.listing:
            return message
        buttons = known.choices.get((person.conversation_id, arrival.channel), ())
        return replace(message, pressed=chosen(message.text, buttons)) if buttons else message

    def _proved(
        self, known: Known, arrival: Arrival, message: Message, changes: Changes
    ) -> Message:
        """Whom else the author is, by the platform's word or by a code that we gave."""
        if message.verified:
            vouched(known, arrival, message, self.own, changes)
        if not (self.proofs and arrival.code):
            return message
        return self.proofs.take(known, arrival, message, changes)

    def _word(self, known: Known, arrival: Arrival, message: Message) -> Word | None:
        if self.colleagues is None or message.unreadable:
            return None
        return self.colleagues.word(known, arrival)

    def _note(
        self, known: Known, arrival: Arrival, message: Message, word: Word, changes: Changes
    ) -> Accepted:
        """A colleague's mail: it is nobody's case, and nobody is told that it came."""
        assert self.colleagues is not None
        id_ = arrival.rereads or changes.new_id()
        row = self.colleagues.note(known, arrival, message, word, id_, changes)
        accepted = Accepted(id_, "accepted")
        books.enter(known, arrival, message, row, accepted, changes)
        return accepted

    def _sent(self, known: Known, arrival: Arrival, message: Message, changes: Changes) -> Accepted:
        """What one of us said by another way; what left by us is here already."""
        if before := sent.own(known, arrival, message, self.check):
            return books.duplicate(known, arrival, changes, before)
        id_ = arrival.rereads or changes.new_id()
        row = sent.row(known, arrival, message, id_, self.check, self.follow, changes)
        accepted = Accepted(id_, "quarantined" if message.unreadable else "accepted")
        books.enter(known, arrival, message, row, accepted, changes)
        return accepted

    def _read(self, known: Known, arrival: Arrival, message: Message, changes: Changes) -> Accepted:
        id_ = arrival.rereads or changes.new_id()
        newcomer = str(arrival.author.identity) not in known.people
        where = place(known, arrival, message, changes, self.check)
        where, routed = self._route(known, arrival, message, where, changes)
        decision = self._decide(known, arrival, message, where, changes, newcomer=newcomer)
        decision = decision._replace(template=routed.template)
        self._raise(by_arrival(known, arrival, message, decision))
        decisions = [
            books.wrote(arrival),
            books.decided("case", where.case.reference, where.reason),
            books.answered(decision),
            *([routed.decision()] if routed.names else ()),
            *books.released(known, arrival),
        ]
        status = "quarantined" if message.unreadable else "stored"
        flags = ["same-message-id"] if known.message_ids.get(message.message_id) else []
        row = record.message_row(
            id_, arrival, message, status=status, where=_ids(where), flags=flags,
            decisions=decisions,
        )  # fmt: skip
        accepted = Accepted(id_, "quarantined" if message.unreadable else "accepted")
        books.enter(known, arrival, message, row, accepted, changes)
        telling.came(arrival, where, row, changes)
        if where.person and where.door and where.door.evidence:
            participants.join(known, arrival, where.door, where.person, id_, changes)
        note_bounce(known, arrival, message, changes)
        if self.follow and (where.is_new or where.before):
            self.follow.customer_wrote(where.before, where.case, arrival.at, changes)
        if message.pressed:
            where = self._pressed(known, arrival, message, where, id_, changes)
        self._ask_on(known, arrival, message, where, id_, changes)
        if decision.send or decision.watched:
            self._queue(known, arrival, message, where, decision, id_, changes)
        optout.take(arrival, message, where.person, id_, changes)
        if voted := answer.answered(known, arrival, message):
            answer.tell(voted, arrival, where.case, id_, changes)
            self.voted(voted.survey.scale, voted.score)
        if self.notify and arrival.channel not in self.watching:
            telling.colleagues(self.notify, arrival, message, where, voted, self.alarms, changes)
        return accepted

    def _pressed(
        self, known: Known, arrival: Arrival, message: Message, where: Place, id_: int,
        changes: Changes,
    ) -> Place:  # fmt: skip
        """A button counts in the presser's own conversation only."""
        is_own = where.person and where.person.conversation_id == where.conversation_id
        if not (is_own and arrival.author.authenticated):
            return where
        waited = bool(where.before and where.before.unanswered_since)
        press = Press(message.pressed, arrival, id_, where.case, self.follow, waited=waited)
        return where._replace(case=act(known, press, changes))

    def _settled(
        self, known: Known, arrival: Arrival, message: Message, id_: int, changes: Changes
    ) -> None:
        """The customer says, perhaps, that it is solved: thanks, once, and nothing more."""
        if not is_no_question(message):
            return
        case = case_of(known, arrival, message)
        person = known.people.get(str(arrival.author.identity))
        if case is None or person is None or not arrival.author.authenticated:
            return
        after = act(known, Press(message.pressed, arrival, id_, case, self.follow), changes)
        if after == case or not self.thanks or not self._may_speak(known, arrival, case):
            return
        row = self.thanks(arrival, message, after, person, changes.new_id())
        why = Why(id_, SOLVED, "the customer says that it is solved")
        self._enter(known, arrival, row, case, why, changes)

    def _learn(
        self, known: Known, arrival: Arrival, message: Message, where: Place, changes: Changes
    ) -> Place:
        """What the customer tells of the case, asked for or not; a stranger tells of his own."""
        if self.intake is None or arrival.history or where.door or where.person is None:
            return where
        found = self.intake.learned(message, where.case, is_new=where.is_new)
        if not found:
            return where
        case = intake.learn(where.case, found, arrival, changes, is_new=where.is_new)
        known.cases[case.id] = case
        return where._replace(case=case)

    def _ask_on(
        self, known: Known, arrival: Arrival, message: Message, where: Place, id_: int,
        changes: Changes,
    ) -> None:  # fmt: skip
        """After an answer the next question, where one is asked after the other."""
        case, person = where.case, where.person
        if self.intake is None or self.question is None or case.asking == "[]" or where.is_new:
            return
        robots = message.automatic.is_auto or not arrival.author.authenticated
        if robots or where.door or person is None or arrival.channel not in self.intake.stepwise:
            return
        rest = self.intake.following(message, case)
        case = known.cases[case.id] = intake.waits_for(case, rest, changes)
        if rest and self._may_speak(known, arrival, case):
            row = self.question(arrival, message, case, person, rest[0], changes.new_id())
            why = Why(id_, f"ask {rest[0].name}", "the case does not say it yet")
            self._enter(known, arrival, row, case, why, changes)

    def _may_speak(self, known: Known, arrival: Arrival, case: rows.Case) -> bool:
        mode = self._mode(arrival, case)
        spent = _spent(known, mode).conversation_day[case.conversation_id]
        has_budget = spent < (self.limits.per_conversation_day or spent + 1)
        return self.enabled and has_budget and mode != "silence"

    def _route(
        self, known: Known, arrival: Arrival, message: Message, where: Place, changes: Changes
    ) -> tuple[Place, Routed]:
        """A new case as its rules want it; nobody works on history."""
        where = self._learn(known, arrival, message, where, changes)
        if self.routing is None or not where.is_new or arrival.history:
            return where, NOWHERE
        told = json.loads(where.case.attributes)
        if not (routed := self.routing(arrival, message, told)).names:
            return where, routed
        case = known.cases[where.case.id] = tagged(where.case, routed, changes)
        return where._replace(case=case), routed

    def _judged(
        self, known: Known, arrival: Arrival, message: Message, changes: Changes
    ) -> Accepted:
        is_known = arrival.author.authenticated
        where = place(known, arrival, message, changes, self.check) if is_known else None
        return doubt.settle(known, arrival, message, where, changes, self.follow)

    def _decide(
        self, known: Known, arrival: Arrival, message: Message, where: Place, changes: Changes, *,
        newcomer: bool,
    ) -> Decision:  # fmt: skip
        mode = self._mode(arrival, where.case)
        asked = Asked(
            arrival=arrival,
            message=message,
            own=self.own,
            enabled=self.enabled,
            mode=mode,
            to_blind_copies=self.to_blind_copies,
            is_new_case=where.is_new,
            conversation_id=where.conversation_id,
            failing=is_failing(known, arrival, where.person, changes),
            distrusted=arrival.distrusted,
            echo=self._echo(known, arrival, message, where) if where.is_new else "",
            newcomer=newcomer and self.limits.apply_to(arrival),
            crowd=self.watched if mode == "watch" else self.crowd,
        )
        return acknowledge.decide(asked, self.limits, _spent(known, mode))

    def _echo(self, known: Known, arrival: Arrival, message: Message, where: Place) -> str:
        if arrival.format == PAGE:
            return "an answer on the page of a survey, which says thank you"
        return heard(known, arrival, message, where, self.own)

    def _mode(self, arrival: Arrival, case: rows.Case) -> Mode:
        """A case's own word counts before its channel's, and the gateway's before both."""
        if case.mode:
            return stricter(cast("Mode", case.mode), self.at_most)
        drafts: Mode = "approve" if arrival.channel in self.drafting else "live"
        return "watch" if arrival.channel in self.watching else drafts

    def _queue(
        self,
        known: Known,
        arrival: Arrival,
        message: Message,
        where: Place,
        decision: Decision,
        about: int,
        changes: Changes,
    ) -> None:
        ways = self.proofs.ways(known, arrival, where) if self.proofs else ()
        asks = self.intake.missing(where.case, arrival) if self.intake else ()
        decision = decision._replace(offers=bool(ways), questions=asks)
        row = self.write_acknowledgement(arrival, message, where, decision, changes.new_id())
        # Nobody has a code, a question or a promise of which nobody reads.
        real = changes if decision.send else Changes(changes.last_id)
        if self.proofs and ways:
            lines = self.proofs.offer(ways, row, arrival.at, real)
            row = row._replace(text=row.text.replace(OFFERS, lines))
        why = Why(about, decision.template or ACKNOWLEDGEMENT, NEW)
        self._enter(known, arrival, row, where.case, why, changes)
        if self.limits.apply_to(arrival):
            (self.watched if decision.watched else self.crowd).note(arrival, message)
        if self.follow:
            self.follow.promised(where.case, arrival.at, changes, unread=decision.watched)
        if decision.watched:
            return
        if asks:
            known.cases[where.case.id] = intake.waits_for(where.case, asks, changes)
        telling.acknowledged(arrival, where, row, changes)

    def _enter(
        self, known: Known, arrival: Arrival, row: rows.Message, case: rows.Case, why: Why,
        changes: Changes,
    ) -> None:  # fmt: skip
        """What we say by ourselves, as freely as we may, and what that takes from the budgets."""
        mode = self._mode(arrival, case)
        say(
            changes, row, mode, why, at=arrival.at, budget=arrival.budget,
            authenticated=arrival.author.authenticated,
        )  # fmt: skip
        if mode != "watch":
            acknowledge.count(known.spent, arrival, case.conversation_id)
        if self.watches:
            acknowledge.count(known.watched, arrival, case.conversation_id)


def _spent(known: Known, mode: Mode) -> Spent:
    return known.watched if mode == "watch" else known.spent


def _ids(where: Place) -> tuple[int, int, int, int | None]:
    person = where.person.identity_id if where.person else None
    return where.conversation_id, where.case.id, where.case.customer_id, person
