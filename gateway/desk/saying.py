"""What a person says in a case: words of their own, or a saved reply that they complete."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from gateway.desk import owing
from gateway.desk.speak import Desk, Refused, Who, last_word
from gateway.desk.wanted import Reply
from gateway.replies.fill import ReplyFacts, fill, proper, too_little
from gateway.words.dates import as_said
from scheduler.calendar import Calendar
from store import desk as facts_of
from store import shapes_words
from store.desk import Facts

_EITHER = Refused("Say either `text`, or the name of a `saved` reply.")
_ONE_TIME = Refused("Say either `promised` or `next_update_by`: they are one time.")
_GAP = "[…]"  # where a preview without a personal line would have it


class Told(NamedTuple):
    """What the customer will read, and by when we say there that we write again.

    `language` is that of a saved reply.
    """

    text: str
    by: datetime | None
    language: str = ""


def unclear(wanted: Reply) -> Refused | None:
    """Why it does not say one thing: a text or a saved reply, at most one time."""
    if bool((wanted.text or "").strip()) == bool(wanted.saved):
        return _EITHER
    return _ONE_TIME if wanted.promised and wanted.next_update_by else None


def told(
    connection: Connection, desk: Desk, facts: Facts, wanted: Reply, who: Who
) -> Told | Refused:
    """What the customer will read; Refused says what a saved reply still needs."""
    if wanted.saved and (why := too_little(wanted.personal)):
        return Refused(why)
    by = _by(desk.follow.calendar(facts.case), wanted, who.at)
    if isinstance(by, Refused):
        return by
    if wanted.saved:
        return _filled(connection, desk, facts, wanted, who, by)
    return Told(wanted.text or "", by if wanted.next_update_by else None)


def preview(
    connection: Connection, desk: Desk, facts: Facts, wanted: Reply, who: Who
) -> shapes_words.SavedPreview | Refused:
    """A saved reply as it would be sent now."""
    found = _filled(connection, desk, facts, wanted, who, None)
    if isinstance(found, Refused):
        return found
    return shapes_words.SavedPreview(name=wanted.saved, language=found.language, text=found.text)


def _by(calendar: Calendar, wanted: Reply, now: datetime) -> datetime | Refused | None:
    """The time that a person names, if any."""
    if wanted.next_update_by:
        return owing.read(wanted.next_update_by, calendar, now)
    at = wanted.promised
    if at is None:
        return None
    return owing.fit(at if at.tzinfo else at.replace(tzinfo=calendar.zone), now)


def _filled(
    connection: Connection, desk: Desk, facts: Facts, wanted: Reply, who: Who, by: datetime | None
) -> Told | Refused:
    """A saved reply; what it says to the customer of a time is a promise, whoever named the time."""
    replies = desk.replies
    language = wanted.language or facts_of.language_of(connection, facts.case.id)
    saved = replies.find(wanted.saved, language) if replies else None
    if replies is None or saved is None:
        return Refused(f"There is no saved reply {wanted.saved!r}; see GET /v1/replies.", 404)
    zone = desk.follow.calendar(facts.case).zone
    at = (by or desk.follow.promising(facts.case, who.at).by).astimezone(zone)
    known = ReplyFacts(
        gateway_name=desk.name,
        reference=facts.case.reference,
        agent=who.name,
        personal=wanted.personal or _GAP,
        customer_name=wanted.customer_name.strip() or _name(connection, desk, facts),
        now=who.at.astimezone(zone),
        promised=at,
    )
    if not wanted.next_update_by:
        by = as_said(at) if "promised" in saved.names else None
    return Told(fill(replies, saved, known), by, saved.language)


def _name(connection: Connection, desk: Desk, facts: Facts) -> str:
    """The one on record, else an author's own, if it can be one; only if somebody vouches for them."""
    on_record = facts_of.name_of(connection, facts.case.customer_id)
    if on_record and not facts.case.unverified:
        return on_record
    heard = last_word(facts, desk)
    return proper(heard.name) if heard and not facts.case.unverified else ""
