"""A message of WhatsApp's Cloud API, or what became of one of ours: pure, total over every JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from normalizer.language import detect
from normalizer.message import Claim, Envelope, Identity, Message, Report, Span
from normalizer.tables import items, table, text_of
from normalizer.whatsapp_content import content_of, name_of

DONE: dict[str, Literal["delivered", "read", "failed"]] = {
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}
_DEAD = frozenset({131026})  # undeliverable: not on WhatsApp, or has not agreed to its terms
_NUMBER = re.compile(r"[1-9][0-9]{6,14}")

Table = dict[str, Any]


def read(envelope: Envelope) -> tuple[Message, ...]:
    """One event is one message; what is none is quarantined with the reason."""
    assert isinstance(envelope.raw, bytes)
    event = table(json.loads(envelope.raw))
    fingerprint = f"{envelope.channel} whatsapp:{envelope.unit}"
    if status := table(event.get("status")):
        return (Message(report=_report(status), fingerprint=fingerprint),)
    message = table(event.get("message"))
    if not message:
        return (Message(unreadable="an event of an unknown kind", fingerprint=fingerprint),)
    return (_message(message, table(event.get("contact")), fingerprint),)


def people(message: Mapping[str, Any], contact: Mapping[str, Any]) -> tuple[str, ...]:
    """All by which the platform knows the writer, the most lasting first.

    The business-scoped user ID stays when somebody takes a username and hides their number; the
    number is what those have who wrote before there were such IDs.
    """
    lasting = (message.get("from_user_id"), message.get("user_id"), contact.get("user_id"))
    numbers = (contact.get("wa_id"), message.get("from"))
    # A new number makes a new ID, too: WhatsApp tells both, and what they were before.
    system = table(message.get("system"))
    changed = (system.get(key) for key in ("previous_user_id", "user_id", "wa_id"))
    named = map(text_of, (*lasting, *numbers, *changed))
    return tuple(dict.fromkeys(name for name in named if name.isprintable() and name))


def _besides(names: tuple[str, ...]) -> tuple[Identity, ...]:
    """Who else that is: by the name of before, and by the number as other channels call it."""
    numbers = (Identity("tel", f"+{name}") for name in names if _NUMBER.fullmatch(name))
    return (*(Identity("whatsapp", name) for name in names[1:]), *numbers)


def _message(message: Table, contact: Table, fingerprint: str) -> Message:
    content, context = content_of(message), table(message.get("context"))
    text, names = "\n".join(filter(None, (content.text, content.ours))), people(message, contact)
    quoted = content.about or name_of(text_of(context.get("id")))
    is_forwarded = True in (context.get("forwarded"), context.get("frequently_forwarded"))
    return Message(
        message_id=name_of(text_of(message.get("id"))),
        in_reply_to=quoted,
        references=(quoted,) if quoted else (),
        claims=_claims(names, contact),
        verified=_besides(names),
        date=_date(message.get("timestamp")),
        text=text,
        reply_text=text,
        spans=(Span(0, len(text), "forwarded"),) if text and is_forwarded else (),
        language=detect(content.text),
        parts=content.parts,
        pressed=content.pressed,
        edits=content.edits,
        aside=content.aside,
        defects=content.defects,
        fingerprint=fingerprint,
    )


def _claims(names: tuple[str, ...], contact: Table) -> tuple[Claim, ...]:
    """Whoever it is, the platform knows them; what they call themselves is theirs to choose."""
    profile = table(contact.get("profile"))
    shown = text_of(profile.get("name")) or text_of(profile.get("username"))
    return tuple(Claim("platform", Identity("whatsapp", name), shown) for name in names[:1])


def _report(status: Table) -> Report:
    state = DONE.get(text_of(status.get("status")), "delivered")
    errors = [table(one) for one in items(status.get("errors"))]
    codes = {code for one in errors if isinstance(code := one.get("code"), int)}
    why = "; ".join(f"{one.get('code', '')} {text_of(one.get('title'))}".strip() for one in errors)
    failed = state == "failed"
    return Report(
        name_of(text_of(status.get("id"))),
        state,
        f"WhatsApp: {why or 'no reason given'}"[:200] if failed else "",
        address_dead=failed and not codes.isdisjoint(_DEAD),
    )


def _date(seconds: Any) -> datetime | None:
    text = text_of(seconds)
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        return None
    return datetime.fromtimestamp(int(text), UTC)
