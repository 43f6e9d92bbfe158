"""Pure: whose conversation, and which case in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import msgspec

from gateway.matching import optout, participants
from gateway.matching.participants import Check, Door
from gateway.record import storable
from gateway.surveys import answer
from normalizer.message import Message
from store import rows
from store.known import Accepted, Arrival, Changes, Given, Known, Person, Seen
from store.rows import instant, moment

REOPENS_WITHIN = timedelta(days=14)
_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"  # no I, L, O, U: read aloud without mistakes
_CUSTOMERS_TURN = ("resolved", "pending")  # until the customer's next word
_LETTERS = _ALPHABET[:22]  # first a letter: nobody takes it for a telephone number


class Place(NamedTuple):
    """Where a message goes, and why. Our own mail that came back has no person.

    `door` led the author into a case of somebody else's; `before` is how a case stood that a
    customer's own word goes on with.
    """

    person: Person | None
    case: rows.Case
    is_new: bool
    reason: str
    door: Door | None = None
    before: rows.Case | None = None

    @property
    def conversation_id(self) -> int:
        return self.case.conversation_id


def new_reference() -> str:
    """A case's reference as people say it: `K4TZ-9QHM`, 39 bits that tell nothing of our volume."""
    number = secrets.randbits(40)
    digits = "".join(_ALPHABET[number >> shift & 31] for shift in range(0, 35, 5))
    return f"{_LETTERS[(number >> 35) % len(_LETTERS)]}{digits[:3]}-{digits[3:]}"


def place(
    known: Known, arrival: Arrival, message: Message, changes: Changes, check: Check
) -> Place:
    """Find or create the conversation and the case of a message (DESIGN section 4).

    The author decides the conversation. Everything else is a claim that at most chooses a case.
    """
    ours = returned(known, arrival, message)
    if ours and ours.case_id in known.cases:
        return Place(None, known.cases[ours.case_id], False, "an answer about a mail of ours")
    if still := _still_unreadable(known, arrival, message):
        return still
    person = person_of(known, arrival, message, changes)
    stays = _stays(known, arrival, person)
    if stays and not _was_in_doubt(known, arrival, stays):
        return Place(person, stays, False, "read again, by the same author")
    is_silent = (
        message.automatic.is_auto
        or arrival.history
        or answer.is_bare(known, arrival, message)
        or optout.is_bare(known, arrival, message)
    )
    for door in candidates(known, arrival, message, person, check):
        case, reason, _ = door
        is_own = case.conversation_id == person.conversation_id
        is_open = case.status != "resolved"
        if stays and (case.id == stays.id or not is_open):
            break
        if is_silent or (is_open and not is_own):
            return Place(person, case, False, reason, None if is_own else door)
        if is_open or (is_own and _is_recent(case, arrival)):
            now = _continued(known, case, arrival, changes)
            said = reason if is_open else f"{reason}; reopened"
            return Place(person, now, False, said, before=case)
        linked = _open_case(known, arrival, message, person, changes, case.id)
        when = "long ago" if is_own else "and another's"
        return Place(person, linked, True, f"{reason}, but resolved {when}: a linked new case")
    if stays:
        return Place(person, stays, False, "where it was, and its author is known now")
    reason = "a new matter" if arrival.author.authenticated else "a new matter, unverified"
    return Place(person, _open_case(known, arrival, message, person, changes), True, reason)


def _still_unreadable(known: Known, arrival: Arrival, message: Message) -> Place | None:
    """A message that was read in vain again stays where it is, also when nobody knows its author."""
    before = known.rereading.get(arrival.rereads or 0)
    case = known.cases.get(before.case_id or 0) if before else None
    if not (before and case and message.unreadable):
        return None
    person = (
        Person(before.identity_id, case.customer_id, case.conversation_id, before.language, False)
        if before.identity_id
        else None
    )
    return Place(person, case, False, "read again, and still unreadable")


def _stays(known: Known, arrival: Arrival, person: Person) -> rows.Case | None:
    """The case of a message that is read again, if the new reading names the same author."""
    before = known.rereading.get(arrival.rereads or 0)
    same = before is not None and before.identity_id == person.identity_id
    return known.cases.get(before.case_id or 0) if before and same else None


def _was_in_doubt(known: Known, arrival: Arrival, case: rows.Case) -> bool:
    """Whether a message opened a case only because nobody could say who wrote, and nobody was there."""
    before = known.rereading[arrival.rereads or 0]
    is_untouched = case.status == "new" and case.opened_at == before.received_at
    return before.status == "stored" and case.unverified and is_untouched


def returned(known: Known, arrival: Arrival, message: Message) -> Given | Seen | None:
    """The mail of ours that came back: as itself, or inside a delivery report.

    A report can only name it, by the 80 bits in its Message-ID that few have seen.
    """
    name = message.bounce.original_message_id if message.bounce else ""
    found = known.message_ids.get(name, ()) if name else ()
    reported = next((seen for seen in found if seen.fingerprint is None), None)
    return reported or participants.came_back(known, arrival, message)


def person_of(known: Known, arrival: Arrival, message: Message, changes: Changes) -> Person:
    """The author's identity with the conversation behind it; both are new with a first message."""
    identity = arrival.author.identity
    address = str(identity) if identity else f"message:{arrival.raw.sha256[:16]}.{changes.last_id}"
    if address in known.people:
        return known.people[address]
    at = instant(arrival.received_at)
    customer = rows.Customer(changes.new_id(), message.language, at)
    person = rows.Identity(
        changes.new_id(), customer.id, address, storable(arrival.author.name), None, at
    )
    conversation = rows.Conversation(changes.new_id(), customer.id, at)
    for row in (customer, person, conversation):
        changes.add(row)
    found = Person(person.id, customer.id, conversation.id, message.language, failing=False)
    if identity:
        known.people[address] = found
    return found


def candidates(
    known: Known, arrival: Arrival, message: Message, person: Person, check: Check
) -> Iterator[Door]:
    """Cases that the message may continue, the surest first: without a token, the author's own."""
    here = person.conversation_id
    yield from participants.doors(known, arrival, message, person, check)
    asked = answer.asked(known, arrival, message)
    case = known.cases.get(asked.case_id) if asked else None
    if case and case.conversation_id == here:
        yield Door(case, "an answer to a survey")
    if not arrival.author.authenticated:
        return
    for name in (message.in_reply_to, *reversed(message.references)):
        for seen in known.message_ids.get(name, ()):
            if seen.conversation_id == here and seen.case_id in known.cases:
                yield Door(known.cases[seen.case_id], "References known in this conversation")
    ours = known.reported.get((arrival.channel, message.in_reply_to))
    if ours and ours.conversation_id == here and ours.case_id in known.cases:
        yield Door(known.cases[ours.case_id], "an answer to a message of ours")
    own = [case for case in known.cases.values() if case.conversation_id == here]
    for case in sorted(own, reverse=True):
        if case.reference in message.mentions:
            yield Door(case, "names the reference")
        if (
            case.status != "resolved"
            and message.base_subject
            and case.base_subject == message.base_subject
        ):
            yield Door(case, "an open case with the same subject")

    yield from _going_on(known, arrival, own)


def _going_on(known: Known, arrival: Arrival, own: list[rows.Case]) -> Iterator[Door]:
    """Where nobody writes subjects, the case in which a word was said last, while it is warm."""
    if arrival.gap is None:
        return
    since = instant(arrival.received_at - arrival.gap)
    warm = [
        (last, case)
        for case in own
        if case.status != "resolved" and (last := known.last_words.get(case.id, "")) > since
    ]
    if warm:
        yield Door(max(warm)[1], "the case in which a word was said last")


def _is_recent(case: rows.Case, arrival: Arrival) -> bool:
    return (
        case.resolved_at is None or moment(case.resolved_at) > arrival.received_at - REOPENS_WITHIN
    )


def _continued(known: Known, case: rows.Case, arrival: Arrival, changes: Changes) -> rows.Case:
    """A customer's word reopens a case, and ends the waiting for it."""
    status = "open" if case.status in _CUSTOMERS_TURN else case.status
    since = case.unanswered_since or instant(arrival.at)
    now = case._replace(
        status=status,
        resolved_at=None if status == "open" else case.resolved_at,
        unanswered_since=since,
    )
    if now != case:
        changes.update(
            "cases",
            case.id,
            status=status,
            resolved_at=now.resolved_at,
            unanswered_since=since,
        )
    known.cases[case.id] = now
    known.last_words[case.id] = instant(arrival.received_at)
    return now


def _open_case(
    known: Known,
    arrival: Arrival,
    message: Message,
    person: Person,
    changes: Changes,
    linked: int | None = None,
) -> rows.Case:
    is_done = _is_history(known, arrival)
    waits = not (is_done or message.automatic.is_auto)
    case = begun(arrival, message, person, changes.new_id(), "resolved" if is_done else "new")
    case = case._replace(
        linked_case_id=linked, unanswered_since=instant(arrival.at) if waits else None
    )
    changes.add(case)
    known.cases[case.id] = case
    known.last_words[case.id] = case.opened_at
    return case


def begun(arrival: Arrival, message: Message, person: Person, id_: int, status: str) -> rows.Case:
    """The case that a message begins; one that is resolved was so when the message came."""
    at = instant(arrival.received_at)
    tags = ["automatic"] if message.automatic.is_auto else []
    return rows.Case(
        id=id_,
        conversation_id=person.conversation_id,
        customer_id=person.customer_id,
        reference=new_reference(),
        channel=arrival.channel,
        subject=storable(message.subject),
        base_subject=storable(message.base_subject),
        status=status,
        stage="",
        owner="",
        tags=msgspec.json.encode(tags).decode(),
        unverified=not arrival.author.authenticated,
        linked_case_id=None,
        opened_at=at,
        resolved_at=at if status == "resolved" else None,
    )


def _is_history(known: Known, arrival: Arrival) -> bool:
    """Whether nobody need look; a message that waited in quarantine for long is as open as it was."""
    before = known.rereading.get(arrival.rereads or 0)
    case = known.cases.get(before.case_id or 0) if before else None
    return case.status == "resolved" if case else arrival.history


def duplicate_of(known: Known, arrival: Arrival) -> Accepted | None:
    """The message that this arrival already is: the same transport unit, or the same mail again."""
    before = known.units.get((arrival.channel, arrival.unit))
    if before and not arrival.rereads:
        return before._replace(outcome="duplicate", reason="this transport unit is in the ledger")
    seen = known.fingerprints.get(arrival.fingerprint)
    if seen and seen.id != arrival.rereads:
        return Accepted(seen.id, "duplicate", "the same mail came before")
    return None
