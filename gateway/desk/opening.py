"""Pure: a case that people open themselves, for somebody whom we know or not."""

from __future__ import annotations

from typing import NamedTuple

from gateway.desk import change
from gateway.desk.speak import Who, Words, attach, spoken
from gateway.desk.wanted import Start
from gateway.follow_ups.follow import Follow
from gateway.matching.place import new_reference
from gateway.record import event_row, storable
from gateway.words import clean_line
from normalizer.email.threading import base_subject
from normalizer.message import Identity
from store import rows
from store.desk import Known
from store.known import Changes
from store.rows import instant

CALL = "call"  # what stands for a channel where somebody told us something


class Opened(NamedTuple):
    """A case to write, and whose it is; `is_new` says that its customer is to be written, too."""

    case: rows.Case
    person: Known
    is_new: bool


def case_of(
    known: Known | None, address: Identity | None, channel: str, wanted: Start, who: Who,
    changes: Changes,
) -> Opened:  # fmt: skip
    """The case, in the conversation of whoever it is about."""
    person = known or _somebody(address, wanted, changes)
    at = instant(who.at)
    title = storable(clean_line(wanted.subject))
    case = rows.Case(
        id=changes.new_id(),
        conversation_id=person.conversation_id,
        customer_id=person.customer_id,
        reference=new_reference(),
        channel=channel,
        subject=title,
        base_subject=storable(base_subject(title)),
        status=wanted.status,
        stage="",
        owner=storable(clean_line(wanted.owner)),
        tags=change.tags(wanted.tags),
        unverified=False,
        linked_case_id=None,
        opened_at=at,
        resolved_at=at if wanted.status == "resolved" else None,
    )
    return Opened(case, person, known is None)


def _somebody(address: Identity | None, wanted: Start, changes: Changes) -> Known:
    id_ = changes.new_id()
    written = str(address) if address else f"{CALL}:{id_}"
    name = storable(clean_line(wanted.name, 100))
    return Known(id_, changes.new_id(), changes.new_id(), storable(written), name, failing=False)


def write(opened: Opened, who: Who, follow: Follow, changes: Changes) -> None:
    """The rows of a new case, and those of its customer if nobody knew it before."""
    at, person, case = instant(who.at), opened.person, opened.case
    if opened.is_new:
        changes.add(rows.Customer(person.customer_id, "", at))
        changes.add(
            rows.Identity(person.id, person.customer_id, person.address, person.name, None, at)
        )
        changes.add(rows.Conversation(person.conversation_id, person.customer_id, at))
    changes.add(case)
    event_row(
        changes, "case.opened", case.conversation_id, at,
        case_id=case.id, reference=case.reference,
    )  # fmt: skip
    follow.status_set("", case, who.at, changes, "a new case")


def heard(opened: Opened, words: Words, who: Who, changes: Changes) -> rows.Message:
    """What somebody told us, as written down by one of us."""
    row = spoken(
        opened.case, words, who, changes.new_id(),
        identity_id=opened.person.id or None,
        channel=CALL,
        direction="in",
        kind="message",
        authentication=f"written down by {who.name}"[:200],
    )  # fmt: skip
    row = row._replace(authentication=storable(row.authentication))
    changes.add(row)
    attach(changes, row.id, words.files)
    event_row(
        changes, "message.received", opened.case.conversation_id, instant(who.at),
        message_id=row.id, case_id=opened.case.id, channel=CALL,
    )  # fmt: skip
    return row
