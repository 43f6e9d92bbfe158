"""Pure: what comes in and is no matter of its own: reports, albums, other wordings, stickers."""

from __future__ import annotations

from gateway import record
from gateway.follow_ups.pressed import is_no_question
from gateway.incoming import books
from gateway.matching import optout
from gateway.matching.place import person_of
from normalizer.message import Message
from normalizer.thanks import is_thanks
from store import rows
from store.known import Accepted, Arrival, Changes, Known, Seen, Told
from store.rows import instant


def beside(known: Known, arrival: Arrival, message: Message, changes: Changes) -> Accepted | None:
    """Take in what neither opens a case nor is answered; None for everything else."""
    if message.report:
        return _reported(known, arrival, message, changes)
    if message.group and (first := _of_the_author(known, arrival, message.group)):
        return _joined(known, first, arrival, message, changes)
    original = _of_the_author(known, arrival, message.edits) if message.edits else None
    if original or message.aside or is_no_question(message):
        return _noted(known, arrival, message, changes, original)
    if _is_only_thanks(known, arrival, message):
        return _noted(known, arrival, message, changes, None)
    return None


def _is_only_thanks(known: Known, arrival: Arrival, message: Message) -> bool:
    """Thanks on a messenger, where no case goes on: they open none, and reopen none.

    In a case that goes on they are a word like any other, and may be the answer to a question.
    """
    has_more = message.parts or message.pressed or message.subject
    if arrival.gap is None or has_more or not is_thanks(message.text):
        return False
    case = case_of(known, arrival, message)
    since = instant(arrival.received_at - arrival.gap)
    is_warm = case and case.status != "resolved" and known.last_words.get(case.id, "") > since
    return not is_warm


def case_of(known: Known, arrival: Arrival, message: Message) -> rows.Case | None:
    """The case of the author's own that something belongs to which is no matter of its own.

    The one that it answers; else the latest that is not resolved, else the latest.
    """
    person = known.people.get(str(arrival.author.identity))
    here = [
        c for c in known.cases.values() if person and c.conversation_id == person.conversation_id
    ]
    ours = known.reported.get((arrival.channel, message.in_reply_to))
    answered = _of_the_author(known, arrival, message.in_reply_to) or ours
    about = next((case for case in here if answered and case.id == answered.case_id), None)
    return about or max(here, key=lambda case: (case.status != "resolved", case.id), default=None)


def _of_the_author(known: Known, arrival: Arrival, message_id: str) -> Seen | None:
    """A message of the same conversation: ids of platforms are unique there only."""
    person = known.people.get(str(arrival.author.identity))
    found = known.message_ids.get(message_id, ())
    return next(
        (seen for seen in found if person and seen.conversation_id == person.conversation_id), None
    )


def _reported(known: Known, arrival: Arrival, message: Message, changes: Changes) -> Accepted:
    report = message.report
    assert report is not None
    if not report.peer_id:
        return _reachable(known, arrival, message, changes)
    about = known.reported.get((arrival.channel, report.peer_id))
    if about is None:
        why = "a report about nothing that we sent"
        return books.refused(known, arrival, message, changes, why)
    at = instant(arrival.at)
    if report.state == "failed":
        changes.told.append(Told(about.id, report.address_dead, at, report.error))
    data = {"message_id": about.id, "channel": arrival.channel}
    told = data | ({"error": report.error} if report.error else {})
    record.event_row(changes, f"delivery.{report.state}", about.conversation_id, at, **told)
    return _entered(known, arrival, Accepted(about.id, "accepted"), changes)


def _reachable(known: Known, arrival: Arrival, message: Message, changes: Changes) -> Accepted:
    """The platform's word on a customer, not on one message: nothing reaches them, or all does."""
    assert message.report is not None
    person = known.people.get(str(arrival.author.identity))
    if person is None:
        why = "a report about somebody who never wrote"
        return books.refused(known, arrival, message, changes, why)
    at, is_dead = instant(arrival.at), message.report.address_dead
    if is_dead != person.failing:
        changes.update("identities", person.identity_id, failing_since=at if is_dead else None)
        known.people[str(arrival.author.identity)] = person._replace(failing=is_dead)
        kind = "address.failing" if is_dead else "address.alive"
        whom = {"identity_id": person.identity_id, "address": str(arrival.author.identity)}
        record.event_row(changes, kind, person.conversation_id, at, **whom)
    noted = _noted(known, arrival, message, changes, None)
    optout.take(arrival, message, person, noted.message, changes)
    return noted


def _joined(
    known: Known, first: Seen, arrival: Arrival, message: Message, changes: Changes
) -> Accepted:
    """Another picture of an album: with its caption, a part of the message that the first made."""
    if not arrival.rereads:
        record.raw_row(changes, arrival.raw)
    record.part_rows(changes, first.id, message)
    if message.text:
        changes.append(first.id, record.storable(message.text))
    return _entered(known, arrival, Accepted(first.id, "accepted", "a part of an album"), changes)


def _noted(
    known: Known, arrival: Arrival, message: Message, changes: Changes, original: Seen | None
) -> Accepted:
    """Stored where it belongs; it reopens, cancels and answers nothing."""
    person = person_of(known, arrival, message, changes)
    latest = case_of(known, arrival, message)
    case_id = original.case_id if original else latest.id if latest else None
    id_ = arrival.rereads or changes.new_id()
    what = "another wording of an earlier message" if original else "no matter of its own"
    row = record.message_row(
        id_,
        arrival,
        message,
        status="stored",
        where=(person.conversation_id, case_id, person.customer_id, person.identity_id),
        flags=["edits"] if original else [],
        decisions=[{"about": "case", "outcome": str(case_id or "none"), "reason": what}],
    )
    accepted = Accepted(id_, "accepted")
    books.enter(known, arrival, message, row, accepted, changes)
    kind = "message.edited" if original else "message.received"
    more = {"edits": original.id} if original else {}
    record.event_row(
        changes, kind, person.conversation_id, instant(arrival.at),
        message_id=id_, case_id=case_id, channel=arrival.channel, **more,
    )  # fmt: skip
    return accepted


def _entered(known: Known, arrival: Arrival, accepted: Accepted, changes: Changes) -> Accepted:
    """A receipt for what is no message of its own; one that was stored unread gives up its own."""
    if arrival.rereads:
        changes.discard(arrival.rereads, accepted)
    else:
        record.ledger_row(changes, arrival, accepted)
    known.units[arrival.channel, arrival.unit] = accepted
    return accepted
