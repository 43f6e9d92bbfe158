"""Pure: a message that was stored while the DNS did not answer, judged once more."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from gateway import record
from gateway.follow_ups.follow import Follow
from gateway.matching import optout, participants
from gateway.matching.place import Place
from normalizer.message import Message
from store import rows
from store.known import Accepted, Arrival, Changes, Known
from store.rows import SETTLED, instant, moment

# After the first minute (record.SECOND_LOOK); then what is in doubt stays so.
_PAUSES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3))


def settle(
    known: Known,
    arrival: Arrival,
    message: Message,
    where: Place | None,
    changes: Changes,
    follow: Follow | None,
) -> Accepted:
    """Write down what is known now of `arrival.rereads`; nothing is ever said because of it.

    `where` is the place of a message whose author is authenticated now; else it stays where it is.
    """
    before = known.rereading[arrival.rereads or 0]
    values = _judgement(before, arrival, message)
    if where is None:
        changes.update("messages", before.id, **values)
        return Accepted(before.id, "accepted")
    person = where.person.identity_id if where.person else None
    changes.update(
        "messages", before.id, conversation_id=where.conversation_id, case_id=where.case.id,
        customer_id=where.case.customer_id, identity_id=person, **values,
    )  # fmt: skip
    if left := _left(known, before, where):
        _close(left, arrival, changes, follow)
    elif where.case.opened_at == before.received_at:
        changes.update("cases", where.case.id, unverified=False)
    if where.person and where.door and where.door.evidence:
        participants.join(known, arrival, where.door, where.person, before.id, changes)
    if follow and (where.is_new or where.before):
        follow.customer_wrote(where.before, where.case, arrival.at, changes)
    optout.take(arrival, message, where.person, before.id, changes)
    record.event_row(
        changes, "message.authenticated", where.conversation_id, instant(arrival.at),
        message_id=before.id, case_id=where.case.id,
    )  # fmt: skip
    return Accepted(before.id, "accepted")


def _left(known: Known, before: rows.Message, where: Place) -> rows.Case | None:
    """The case that the message had opened for itself, now that it belongs to another."""
    case = known.cases.get(before.case_id or 0)
    return case if case and case.id != where.case.id and case.status == "new" else None


def _close(case: rows.Case, arrival: Arrival, changes: Changes, follow: Follow | None) -> None:
    at = instant(arrival.at)
    values = {"status": "resolved", "resolved_at": at, "unanswered_since": None, **SETTLED}
    done = case._replace(**values)  # type: ignore[arg-type]  # columns by their names
    changes.update("cases", case.id, **values)
    if follow:
        follow.status_set(case.status, done, arrival.at, changes, "its message moved")


def _judgement(before: rows.Message, arrival: Arrival, message: Message) -> dict[str, Any]:
    """The columns that tell who wrote, and when to look again."""
    reading = json.loads(before.reading)
    tries = reading.get("looks", 0)
    reading |= {"authentication": record.results(arrival), "looks": tries + 1}
    again = arrival.doubtful and tries < len(_PAUSES)
    at = moment(before.judge_at or before.received_at)
    decisions = [
        d | {"outcome": str(arrival.author.identity or "unknown"), "reason": arrival.author.reason}
        if d["about"] == "author"
        else d
        for d in json.loads(before.decisions)
    ]
    return {
        "author": record.storable(record.to_json(record.author(arrival, message))),
        "authentication": arrival.author.reason,
        "reading": record.storable(record.to_json(reading)),
        "decisions": record.storable(record.to_json(decisions)),
        "judge_at": instant(at + _PAUSES[tries]) if again else None,
    }
