"""What one request of a person does in one transaction: read the facts, decide, write."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection

from gateway.desk import asking, change, opening, owing, saying, speak
from gateway.desk.handing import Handing, How
from gateway.desk.speak import Desk, File, Refused, Who, Words
from gateway.desk.wanted import Approval, Ask, Change, Defer, Note, Refusal, Reply, Start
from gateway.record import event_row, storable
from normalizer.message import Address
from store import desk as facts_of
from store import drafts, due, rows, shapes
from store.desk import Facts, Known
from store.known import Changes
from store.rows import instant

T = TypeVar("T")
Act = Callable[[Connection, Changes], T | Refused]

_NO_DRAFT = Refused("There is no such draft (any more).", 404)
_NO_CASE = Refused("There is nothing with this id.", 404)


def reply(desk: Desk, case_id: int, wanted: Reply, files: tuple[File, ...], who: Who) -> Act[shapes.Queued]:  # fmt: skip
    """Queue an answer to the customer; the case is no longer new, and nobody waits any more."""

    def act(connection: Connection, changes: Changes) -> shapes.Queued | Refused:
        if why := saying.unclear(wanted):
            return why
        facts = facts_of.facts(connection, case_id)
        if facts is None:
            return _NO_CASE
        others = _others(connection, desk, (*wanted.to, *wanted.cc))
        where = speak.way(
            desk, facts, wanted.to, wanted.cc, wanted.channel, force=wanted.force, others=others
        )
        if isinstance(where, Refused):
            return where
        told = saying.told(connection, desk, facts, wanted, who)
        if isinstance(told, Refused):
            return told
        owed = owing.said(facts.case, wanted, told.by, who.at)
        if isinstance(owed, Refused):
            return owed
        said = Words(told.text, wanted.subject, files)
        row = speak.queue(desk, facts, where, said, who, changes)
        by_name = {"saved": wanted.saved} if wanted.saved else {}
        speak.tell(changes, "reply.queued", facts.case, who, message_id=row.id, **by_name)
        after = change.answered(facts.case, wanted.status, who, desk.follow, changes, owed)
        return queued(row, after)

    return act


def note(case_id: int, wanted: Note, who: Who) -> Act[shapes.Queued]:
    """Keep words for colleagues in a case."""

    def act(connection: Connection, changes: Changes) -> shapes.Queued | Refused:
        facts = facts_of.facts(connection, case_id)
        if facts is None:
            return _NO_CASE
        return queued(_noted(facts.case, wanted.text, who, changes), facts.case)

    return act


def _noted(case: rows.Case, text: str, who: Who, changes: Changes) -> rows.Message:
    row = speak.spoken(case, Words(text), who, changes.new_id(), kind="note")
    changes.add(row)
    speak.tell(changes, "note.added", case, who, message_id=row.id)
    return row


def ask(desk: Desk, case_id: int, wanted: Ask, who: Who) -> Act[shapes.Queued]:
    """Ask a colleague by mail; what comes back is a note in the case."""

    def act(connection: Connection, changes: Changes) -> shapes.Queued | Refused:
        facts = facts_of.facts(connection, case_id)
        if facts is None:
            return _NO_CASE
        heard = facts.heard[0] if facts.heard else None
        said = heard and heard.case_id == case_id and wanted.quote
        quoted = facts_of.text_of(connection, heard.id) if heard and said else ""
        row = asking.question(desk, facts, wanted, quoted, who, changes)
        if isinstance(row, Refused):
            return row
        speak.tell(changes, "colleague.asked", facts.case, who, message_id=row.id)
        return queued(row, facts.case)

    return act


def alter(desk: Desk, case_id: int, wanted: Change, who: Who) -> Act[shapes.Case]:
    """Give a case new values."""

    def act(connection: Connection, changes: Changes) -> shapes.Case | Refused:
        facts = facts_of.facts(connection, case_id)
        if facts is None:
            return _NO_CASE
        before, handing = facts.case, desk.handing or Handing(desk.follow)
        owed = owing.changed(before, wanted, desk.follow.calendar(before), who.at)
        if isinstance(owed, Refused):
            return owed
        after = change.apply(before, wanted, who, desk.follow, changes, owed)
        if why := wanted.note.strip():
            _noted(before, why, who, changes)
        if wanted.notify_customer:
            handing.tell_customer(connection, before, after, who.at, changes)
        handing.tell_owner(connection, before, after, How(who.name, who.at, why), changes)
        return case(after)

    return act


def defer(id_: int, wanted: Defer, who: Who) -> Act[shapes.FollowUp]:
    """Put a follow-up off, or call it off."""

    def act(connection: Connection, changes: Changes) -> shapes.FollowUp | Refused:
        found = due.get(connection, id_)
        if found is None:
            return _NO_CASE
        row, conversation_id = found
        if row.state != "pending":
            return Refused(f"This follow-up is {row.state} already.")
        if wanted.cancel == (wanted.due_at is not None):
            return Refused("Say either due_at or cancel.", 400)
        why = f"{who.name}: {wanted.reason}" if wanted.reason else f"by {who.name}"
        end = (
            due.End(id_, "cancelled", storable(why))
            if wanted.due_at is None
            else due.End(id_, "pending", storable(why), instant(wanted.due_at))
        )
        due.end(connection, [end], who.at)
        what = "follow_up.cancelled" if wanted.cancel else "follow_up.deferred"
        event_row(
            changes, what, conversation_id, instant(who.at),
            follow_up_id=id_, rule=row.rule, case_id=row.case_id, by=who.name, token=who.token,
        )  # fmt: skip
        again = due.get(connection, id_)
        return again[0] if again else _NO_CASE

    return act


def approve(id_: int, wanted: Approval, who: Who) -> Act[shapes.Draft]:
    """Send a draft, as it is or with other words."""

    def act(connection: Connection, changes: Changes) -> shapes.Draft | Refused:
        draft = drafts.get(connection, id_, who.at)
        if draft is None:
            return _NO_DRAFT
        text = storable(wanted.text)
        drafts.send(connection, id_, text, who.at)
        _tell_of(draft, "draft.sent", who, changes)
        return msgspec.structs.replace(draft, text=text or draft.text)

    return act


def refuse(id_: int, wanted: Refusal, who: Who) -> Act[shapes.Draft]:
    """Never send a draft."""

    def act(connection: Connection, changes: Changes) -> shapes.Draft | Refused:
        draft = drafts.get(connection, id_, who.at)
        if draft is None:
            return _NO_DRAFT
        why = f"{who.name}: {wanted.reason}" if wanted.reason else f"dropped by {who.name}"
        drafts.drop(connection, id_, storable(why))
        _tell_of(draft, "draft.dropped", who, changes)
        return draft

    return act


def _tell_of(draft: shapes.Draft, kind: str, who: Who, changes: Changes) -> None:
    event_row(
        changes, kind, draft.conversation_id, instant(who.at),
        case_id=draft.case_id, message_id=draft.id, by=who.name, token=who.token,
    )  # fmt: skip


def start(desk: Desk, wanted: Start, files: tuple[File, ...], who: Who) -> Act[shapes.Started]:
    """Open a case: with a message to somebody, or with what somebody said to us."""

    def act(connection: Connection, changes: Changes) -> shapes.Started | Refused:
        if not wanted.to:
            return _logged(connection, desk, wanted, files, who, changes)
        named = speak.only_channel(desk, wanted.channel)
        if isinstance(named, Refused):
            return named
        first = speak.identity(desk, named, wanted.to[0])
        others = _others(connection, desk, (*wanted.to, *wanted.cc))
        opened = opening.case_of(others.get(str(first)), first, named.name, wanted, who, changes)
        facts = Facts(opened.case, (), (), (opened.person,))
        where = speak.way(
            desk, facts, wanted.to, wanted.cc, named.name, force=wanted.force, others=others
        )
        if isinstance(where, Refused):
            return where
        opening.write(opened, who, desk.follow, changes)
        row = speak.queue(desk, facts, where, _words(wanted, files), who, changes)
        speak.tell(changes, "reply.queued", opened.case, who, message_id=row.id)
        return started(opened.case, row)

    return act


def _logged(
    connection: Connection,
    desk: Desk,
    wanted: Start,
    files: tuple[File, ...],
    who: Who,
    changes: Changes,
) -> shapes.Started | Refused:
    """A call: nothing is sent, and what was said counts as the customer's words."""
    caller = speak.caller(wanted.caller)
    known: Known | None = None
    if wanted.conversation_id is not None:
        found = facts_of.conversation(connection, wanted.conversation_id)
        if found is None:
            return Refused("There is no conversation with this id.")
        known = Known(0, found[1], found[0], "", "", failing=False)
    elif caller:
        known = facts_of.addressed(connection, [str(caller)]).get(str(caller))
    opened = opening.case_of(known, caller, opening.CALL, wanted, who, changes)
    opening.write(opened, who, desk.follow, changes)
    row = opening.heard(opened, _words(wanted, files), who, changes)
    return started(opened.case, row)


def _others(connection: Connection, desk: Desk, written: Sequence[str]) -> dict[str, Known]:
    """The identities that these addresses are, on whichever channel."""
    asked = {
        str(speak.identity(desk, settings, one))
        for one in written
        for settings in desk.channels.values()
    }
    return facts_of.addressed(connection, filter(_is_text, asked))


def _is_text(value: str) -> bool:
    return storable(value) == value


def _words(wanted: Start, files: tuple[File, ...]) -> Words:
    return Words(wanted.text, wanted.subject, files)


def case(row: rows.Case) -> shapes.Case:
    return shapes.Case(**_shown_of(row))


def started(row: rows.Case, message: rows.Message) -> shapes.Started:
    return shapes.Started(**_shown_of(row), message=queued(message, row))


def _shown_of(row: rows.Case) -> dict[str, Any]:
    values = row._asdict()
    for ours in ("base_subject", "asking", "next_update_said_at"):
        del values[ours]
    told = {"tags": json.loads(row.tags), "attributes": json.loads(row.attributes)}
    return values | told


def queued(row: rows.Message, of: rows.Case) -> shapes.Queued:
    """What was written, as its writer is told."""
    written = json.loads(row.recipients)
    return shapes.Queued(
        id=row.id,
        conversation_id=of.conversation_id,
        case_id=of.id,
        case_status=of.status,
        channel=row.channel,
        kind=row.kind,
        status="queued" if written else row.status,
        message_id=row.message_id,
        subject=row.subject,
        to=_shown(written.get("to", ())),
        cc=_shown(written.get("cc", ())),
    )


def _shown(pairs: Sequence[tuple[str, str]]) -> list[shapes.Address]:
    return [shapes.Address(**Address(*pair)._asdict()) for pair in pairs]
