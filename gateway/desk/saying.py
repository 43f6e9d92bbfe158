"""What a person says in a case: words of their own, or a saved reply that they complete."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.desk.speak import Desk, Refused, Who, last_word
from gateway.desk.wanted import Reply
from gateway.replies.fill import ReplyFacts, fill, proper, too_little
from store import desk as facts_of
from store import shapes_words
from store.desk import Facts

EITHER = Refused("Say either `text`, or the name of a `saved` reply.")
_GAP = "[…]"  # where a preview without a personal line would have it


def is_clear(wanted: Reply) -> bool:
    """Whether it says one thing: a text, or a saved reply."""
    return bool((wanted.text or "").strip()) != bool(wanted.saved)


def text(
    connection: Connection, desk: Desk, facts: Facts, wanted: Reply, who: Who
) -> str | Refused:
    """What the customer will read; Refused says what a saved reply still needs."""
    if not wanted.saved:
        return wanted.text or ""
    if why := too_little(wanted.personal):
        return Refused(why)
    shown = preview(connection, desk, facts, wanted, who)
    return shown if isinstance(shown, Refused) else shown.text


def preview(
    connection: Connection, desk: Desk, facts: Facts, wanted: Reply, who: Who
) -> shapes_words.SavedPreview | Refused:
    """A saved reply as it would be sent now."""
    replies = desk.replies
    language = wanted.language or facts_of.language_of(connection, facts.case.id)
    saved = replies.find(wanted.saved, language) if replies else None
    if replies is None or saved is None:
        return Refused(f"There is no saved reply {wanted.saved!r}; see GET /v1/replies.", 404)
    calendar = desk.follow.calendar(facts.case)
    at = wanted.promised or desk.follow.promising(facts.case, who.at).by
    told = ReplyFacts(
        gateway_name=desk.name,
        reference=facts.case.reference,
        agent=who.name,
        personal=wanted.personal or _GAP,
        customer_name=wanted.customer_name.strip() or _name(connection, desk, facts),
        now=who.at.astimezone(calendar.zone),
        promised=_zoned(at, calendar.zone),
    )
    return shapes_words.SavedPreview(
        name=saved.name, language=saved.language, text=fill(replies, saved, told)
    )


def _zoned(at: datetime, zone: ZoneInfo) -> datetime:
    return at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)


def _name(connection: Connection, desk: Desk, facts: Facts) -> str:
    """The one on record, else an author's own, if it can be one; only if somebody vouches for them."""
    on_record = facts_of.name_of(connection, facts.case.customer_id)
    if on_record and not facts.case.unverified:
        return on_record
    heard = last_word(facts, desk)
    return proper(heard.name) if heard and not facts.case.unverified else ""
