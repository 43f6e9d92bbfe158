"""Pure: a mail that lay in our Sent folder: what one of us has said by another way."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from gateway import record
from gateway.authenticate import Keys, named, tokens, written
from gateway.desk import change
from gateway.desk.speak import Who
from gateway.follow_ups.follow import Follow
from gateway.matching.author import is_ours
from gateway.matching.participants import Check
from gateway.matching.place import begun, candidates, person_of
from normalizer.message import Address, Identity, Message
from store import rows
from store.known import Accepted, Arrival, Author, Changes, Known, Person
from store.rows import SETTLED, instant


def facts(arrival: Arrival, message: Message, own: Collection[Identity], keys: Keys) -> Arrival:
    """The arrival as its recipient's: whose conversation it is, and which of our tokens it bears.

    Among several recipients it is the one to whom a token in the thread was given, else the first.
    """
    people = list(_outside(message, own))
    held = {one: tokens(keys, _named_in(message), (), one.address.lower()) for one in people}
    chosen = next((one for one in people if held[one]), people[0] if people else None)
    tags = written((message.message_id,), (one.address for one in message.reply_to))
    return replace(
        arrival,
        message=message,
        author=_author(chosen),
        tokens=held[chosen] if chosen else (),
        offered=tuple(filter(None, map(named, (*tags, *written(_named_in(message), ()))))),
        history=arrival.transport.history,
    )


def _named_in(message: Message) -> tuple[str, ...]:
    """What it refers to, the nearest first."""
    return (message.in_reply_to, *reversed(message.references))


def _outside(message: Message, own: Collection[Identity]) -> Iterator[Address]:
    for one in (*message.to, *message.cc):
        if "@" in one.address and not is_ours(Identity("email", one.address.lower()), own):
            yield one


def _author(recipient: Address | None) -> Author:
    if recipient is None:
        return Author(None, reason="our own mail to ourselves")
    identity = Identity("email", recipient.address.lower())
    return Author(identity, recipient.name, True, "whom one of us wrote to, as Sent shows")


def own(known: Known, arrival: Arrival, message: Message, check: Check) -> Accepted | None:
    """What it already is, when it left by us: known by its Message-ID or by a token in Reply-To."""
    for seen in known.message_ids.get(message.message_id, ()) if message.message_id else ():
        if seen.fingerprint is None:
            return Accepted(seen.id, "duplicate", "our own mail, as it was sent")
    tags = set(written((message.message_id,), (one.address for one in message.reply_to)))
    for offer in arrival.offered:
        found = known.given.get(offer.message_id)
        if offer.text in tags and found and any(check(offer.text, a) for a in found.addresses):
            return Accepted(offer.message_id, "duplicate", "our own mail, as it was sent")
    return None


def row(
    known: Known,
    arrival: Arrival,
    message: Message,
    id_: int,
    check: Check,
    follow: Follow | None,
    changes: Changes,
) -> rows.Message:
    """The message that was sent, with what it means for its case."""
    if arrival.author.identity is None:
        return _row(arrival, message, id_, (None, None, None, None), "our own mail to ourselves")
    person = person_of(known, arrival, message, changes)
    doors = candidates(known, arrival, message, person, check)
    door = next((one for one in doors if not one.evidence), None)
    case = door.case if door else _case(known, arrival, message, person, changes)
    _answers(known, case, arrival, message, follow, changes)
    record.event_row(
        changes, "reply.seen", case.conversation_id, instant(arrival.at),
        message_id=id_, case_id=case.id, channel=arrival.channel,
    )  # fmt: skip
    where = (case.conversation_id, case.id, case.customer_id, person.identity_id)
    return _row(arrival, message, id_, where, door.reason if door else "a new matter")


def _row(
    arrival: Arrival,
    message: Message,
    id_: int,
    where: tuple[int | None, int | None, int | None, int | None],
    reason: str,
) -> rows.Message:
    outcome = "sent by one of us, from elsewhere"
    decisions = [{"about": "case", "outcome": outcome, "reason": reason}]
    found = record.message_row(
        id_, arrival, message, where=where, flags=(), decisions=decisions,
        status="quarantined" if message.unreadable else "sent",
    )  # fmt: skip
    return found._replace(direction="out", kind="reply")


def _answers(
    known: Known,
    case: rows.Case,
    arrival: Arrival,
    message: Message,
    follow: Follow | None,
    changes: Changes,
) -> None:
    """A person's word ends the waiting for one, unless the customer wrote after it."""
    if message.automatic.is_auto or arrival.history:
        return
    if (case.unanswered_since or "") > instant(arrival.received_at):
        return
    who = Who(message.from_[0].name if message.from_ else "", "", arrival.at)
    is_kept = (case.next_update_said_at or "") <= instant(arrival.received_at)
    owed = SETTLED if is_kept else {}  # … or promised after it was written
    known.cases[case.id] = change.answered(case, None, who, follow, changes, owed)


def _case(
    known: Known, arrival: Arrival, message: Message, person: Person, changes: Changes
) -> rows.Case:
    """A case that one of us began: it waits for the customer, if for anybody."""
    is_done = arrival.history or message.automatic.is_auto
    case = begun(arrival, message, person, changes.new_id(), "resolved" if is_done else "open")
    changes.add(case)
    known.cases[case.id] = case
    record.event_row(
        changes, "case.opened", case.conversation_id, instant(arrival.at),
        case_id=case.id, reference=case.reference,
    )  # fmt: skip
    return case
