"""Pure: the events of a message that came, and of what we said to it; and who of us hears of it."""

from __future__ import annotations

import json

from gateway import record
from gateway.alarm import Alarms
from gateway.desk.notify import Notify
from gateway.faq.suggest import named
from gateway.follow_ups.pressed import ABOUT
from gateway.matching.place import Place
from gateway.surveys.answer import Answer
from normalizer.message import Message
from store import rows
from store.known import Arrival, Changes
from store.rows import instant


def came(arrival: Arrival, where: Place, row: rows.Message, changes: Changes) -> None:
    """A message is here; a new case with it, and what the customer told of that."""
    if where.is_new:
        told = json.loads(where.case.attributes)
        more = {"attributes": told} if told else {}
        record.event_row(
            changes, "case.opened", where.conversation_id, instant(arrival.at),
            case_id=where.case.id, reference=where.case.reference, **more,
        )  # fmt: skip
    record.received_row(changes, arrival, row, is_person=where.person is not None)


def acknowledged(arrival: Arrival, where: Place, row: rows.Message, changes: Changes) -> None:
    """An acknowledgement is on its way, and names pages of ours, perhaps."""
    pages = named(row.decisions)
    more = {"suggestions": pages} if pages else {}
    record.event_row(
        changes, "acknowledgement.queued", where.conversation_id, instant(arrival.at),
        message_id=row.id, case_id=where.case.id, **more,
    )  # fmt: skip


def colleagues(
    notify: Notify, arrival: Arrival, message: Message, where: Place, voted: Answer | None,
    alarms: Alarms, changes: Changes,
) -> None:  # fmt: skip
    """A customer's word reaches whoever of us wants to know; a robot's and history nobody."""
    if message.automatic.is_auto or message.unreadable or arrival.history:
        return
    if voted and voted.is_told:
        score = f"{voted.score}/{voted.scale.high}"
        notify("survey answered", where.case, arrival, message, alarms, changes, score)
    elif message.pressed in ABOUT:
        notify(ABOUT[message.pressed], where.case, arrival, message, alarms, changes)
    elif where.is_new:
        notify("new case", where.case, arrival, message, alarms, changes)
    elif where.before or where.door:
        notify("customer wrote", where.case, arrival, message, alarms, changes)
