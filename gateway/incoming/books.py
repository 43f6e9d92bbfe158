"""Pure: how an arrival enters the books, whatever it is: its rows, its receipt, its copies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway import record
from gateway.incoming.returned import note_bounce
from gateway.outgoing.acknowledge import Decision
from normalizer.message import Message
from store import rows
from store.known import Accepted, Arrival, Changes, Known, Seen
from store.rows import SETTLED


def duplicate(known: Known, arrival: Arrival, changes: Changes, before: Accepted) -> Accepted:
    """The same mail by another way: a second receipt, no second message."""
    if arrival.rereads:
        changes.discard(arrival.rereads, before)
    elif (arrival.channel, arrival.unit) not in known.units:
        record.ledger_row(changes, arrival, before)
        known.units[arrival.channel, arrival.unit] = before
    return before


def refused(
    known: Known, arrival: Arrival, message: Message, changes: Changes, reason: str
) -> Accepted:
    """Not taken in. What had been taken unread cannot be given back: it is stored, and nobody's."""
    if arrival.rereads:
        told = [decided("message", "refused", reason)]
        return _nobody_s(known, arrival, message, "stored", told, changes)
    end = Accepted(0, "refused", reason)
    record.ledger_row(changes, arrival, end)
    return end


def unread(known: Known, arrival: Arrival, changes: Changes) -> Accepted:
    """Durable now, read later: the raw bytes and where they came from."""
    accepted = Accepted(changes.new_id(), "accepted")
    row = record.message_row(
        accepted.message, arrival, Message(), status="unread",
        where=(None, None, None, None), flags=(), decisions=(),
    )  # fmt: skip
    changes.add(row)
    record.raw_row(changes, arrival.raw)
    record.ledger_row(changes, arrival, accepted)
    _remember(known, arrival, row, accepted)
    return accepted


def apart(known: Known, arrival: Arrival, message: Message, changes: Changes) -> Accepted:
    """Spam: stored whole, but nobody's; no case, no customer, no word to anybody."""
    told = [wrote(arrival), decided("spam", "kept apart", arrival.spam)]
    return _nobody_s(known, arrival, message, "spam", told, changes)


def consumed(
    known: Known, arrival: Arrival, message: Message, changes: Changes, why: str
) -> Accepted:
    """A canary has done its work, or a robot answers a letter to the admin."""
    note_bounce(known, arrival, message, changes)
    told = [decided("canary" if arrival.canary else "alarm", "consumed", why)]
    notice = replace(message, kind="notice", parts=())
    return _nobody_s(known, arrival, notice, "stored", told, changes)


def _nobody_s(
    known: Known,
    arrival: Arrival,
    message: Message,
    status: str,
    told: list[dict[str, Any]],
    changes: Changes,
) -> Accepted:
    accepted = Accepted(arrival.rereads or changes.new_id(), "accepted")
    row = record.message_row(
        accepted.message, arrival, message, status=status,
        where=(None, None, None, None), flags=(), decisions=told,
    )  # fmt: skip
    enter(known, arrival, message, row, accepted, changes)
    return accepted


def released(known: Known, arrival: Arrival) -> list[dict[str, Any]]:
    before = known.rereading.get(arrival.rereads or 0)
    was_spam = before is not None and before.status == "spam"
    return [decided("spam", "released", "somebody said that it is none")] if was_spam else []


def _remember(known: Known, arrival: Arrival, row: rows.Message, accepted: Accepted) -> None:
    """So that a copy later in the same batch is recognised."""
    seen = Seen(row.id, row.conversation_id, row.case_id, row.fingerprint)
    known.units[arrival.channel, arrival.unit] = accepted
    known.fingerprints[arrival.fingerprint] = seen
    if row.message_id:
        known.message_ids[row.message_id].append(seen)


def enter(
    known: Known,
    arrival: Arrival,
    message: Message,
    row: rows.Message,
    accepted: Accepted,
    changes: Changes,
) -> None:
    """A message with its parts and its receipt; in place of itself, where it was read again."""
    if arrival.rereads:
        _replace(known, known.rereading[arrival.rereads], row, changes)
        changes.regrade(row.id, accepted.outcome)
    else:
        changes.add(row)
        record.raw_row(changes, arrival.raw)
        record.ledger_row(changes, arrival, accepted)
    record.part_rows(changes, row.id, message)
    _remember(known, arrival, row, accepted)


def _replace(known: Known, before: rows.Message, row: rows.Message, changes: Changes) -> None:
    """The new reading of a message in place of the old; a case that it alone opened is done."""
    changes.update("messages", row.id, **row._asdict())
    changes.removed_parts.append(row.id)
    left = known.cases.get(before.case_id or 0)
    if left is None or left.id == row.case_id:
        return
    if left.status == "new" and left.opened_at == before.received_at:
        changes.update("cases", left.id, status="resolved", resolved_at=row.received_at, **SETTLED)


def wrote(arrival: Arrival) -> dict[str, Any]:
    """Who wrote, and why we think so."""
    return decided("author", str(arrival.author.identity or "unknown"), arrival.author.reason)


def answered(decision: Decision) -> dict[str, Any]:
    """Whether we answer by ourselves, and why."""
    return decided("acknowledgement", "sent" if decision.send else "silence", decision.reason)


def decided(about: str, outcome: str, reason: str) -> dict[str, Any]:
    return {"about": about, "outcome": outcome, "reason": reason}
