"""Pure: the events of a message that came, and of what we said to it at once."""

from __future__ import annotations

import json

from gateway import record
from gateway.faq.suggest import named
from gateway.place import Place
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
