"""An event of a Matrix room as a Message: pure, and total over every JSON value."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from normalizer.language import detect
from normalizer.matrix_content import Content, content_of
from normalizer.message import Automatic, Claim, Envelope, Identity, Message, Report
from normalizer.tables import number, table, text_of

Table = dict[str, Any]

_ROBOT = Automatic(
    is_auto=True, kind="auto-generated", suppress_reply=True, reasons=("it is a bot's notice",)
)
_LEFT = frozenset({"leave", "ban"})


def read(envelope: Envelope) -> tuple[Message, ...]:
    """One event is one message; what is none is quarantined with the reason."""
    assert isinstance(envelope.raw, bytes)
    try:
        said = table(json.loads(envelope.raw))
    except (ValueError, RecursionError) as error:
        return (_unreadable(envelope, f"no JSON: {type(error).__name__}"),)
    event = table(said.get("event"))
    if not (event.get("event_id") and event.get("sender")):
        return (_unreadable(envelope, "an event without a sender or an id"),)
    return (_message(envelope, event, text_of(said.get("name"))),)


def _unreadable(envelope: Envelope, why: str) -> Message:
    return Message(unreadable=why, fingerprint=f"matrix:{envelope.unit}")


def _message(envelope: Envelope, event: Table, name: str) -> Message:
    user, id_ = text_of(event.get("sender")), text_of(event.get("event_id"))
    is_membership = text_of(event.get("type")) == "m.room.member"
    content = _came_or_went(event) if is_membership else content_of(event)
    return Message(
        message_id=f"matrix:{id_}",
        in_reply_to=_named(content.about),
        references=(_named(content.about),) if content.about else (),
        claims=(Claim("platform", Identity("matrix", user), name),),
        date=_date(event.get("origin_server_ts")),
        text=content.text,
        html=content.html,
        reply_text=content.text,
        language=detect(content.text),
        parts=content.parts,
        automatic=_ROBOT if content.notice else Automatic(),
        edits=_named(content.edits),
        aside=content.aside,
        report=_report(event) if is_membership else None,
        defects=content.defects,
        # Ids of events are unique on all of Matrix; two accounts of ours may see the same one.
        fingerprint=f"{envelope.channel} matrix:{id_}",
    )


def _named(event_id: str) -> str:
    return f"matrix:{event_id}" if event_id else ""


def _has_left(event: Table) -> bool:
    return text_of(table(event.get("content")).get("membership")) in _LEFT


def _came_or_went(event: Table) -> Content:
    return Content("🚫" if _has_left(event) else "✅", aside=True)


def _report(event: Table) -> Report:
    """Who leaves our chat cannot be written to; who comes back, can."""
    if _has_left(event):
        return Report("", "failed", "the customer has left the chat", address_dead=True)
    return Report("", "delivered")


def _date(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(number(value) / 1000, UTC) if number(value) else None
    except (ValueError, OverflowError, OSError):
        return None
