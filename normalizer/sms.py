"""A text message, or what became of one of ours, as Twilio posts it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl

from normalizer.language import detect
from normalizer.message import (
    Automatic,
    Claim,
    Envelope,
    Identity,
    Message,
    Part,
    Report,
)

DONE: dict[str, Literal["delivered", "read", "failed"]] = {
    "delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
}
# The words that Twilio acts upon by itself, and answers. "Yes" and "cancel my order" are ordinary
# answers of customers: without Twilio's word for it, only a bare keyword counts, and "yes" never.
_STOP = frozenset({"stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})  # fmt: skip
_START = frozenset({"start", "unstop"})
_HELP = frozenset({"help", "info"})

# Twilio's error codes: blocked by the recipient, an unknown number, a landline, opted out.
_DEAD = frozenset({"21610", "30004", "30005", "30006"})
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_MEDIA = re.compile(r"https?://[^/?#\s]+/2010-04-01/Accounts/AC[0-9a-f]{32}/Messages/((?:SM|MM)[0-9a-f]{32}/Media/ME[0-9a-f]{32})")  # fmt: skip
_MOST_FILES = 10  # of one message, as Twilio says
_ANSWERED = Automatic(suppress_reply=True, reasons=("the platform has answered HELP itself",))
_NO_PERSON = Automatic(
    is_auto=True,
    kind="auto-generated",
    suppress_reply=True,
    reasons=("the sender is no number that could be answered",),
)

Said = dict[str, Any]


def read(envelope: Envelope) -> tuple[Message, ...]:
    """One call is one message; what names no message is quarantined."""
    assert isinstance(envelope.raw, bytes)
    pairs = parse_qsl(envelope.raw.decode("utf-8", "replace"), keep_blank_values=True)
    fields = dict(pairs)
    fingerprint = f"{envelope.channel} sms:{envelope.unit}"
    if not fields.get("MessageSid"):
        return (Message(unreadable="a call without a MessageSid", fingerprint=fingerprint),)
    said = _report(fields) if is_report(fields) else _message(fields)
    return (Message(fingerprint=fingerprint, **said),)


def is_report(fields: Mapping[str, str]) -> bool:
    """Whether a call tells how a message of ours fared, and not what somebody wrote."""
    return fields.get("MessageStatus", "received") not in {"received", "receiving"}


def _report(fields: Mapping[str, str]) -> Said:
    state, code = DONE.get(fields["MessageStatus"], "delivered"), fields.get("ErrorCode", "")
    told = " ".join(filter(None, (fields["MessageStatus"], code, fields.get("ErrorMessage", ""))))
    why = f"Twilio: {told}"[:200] if state == "failed" else ""
    return {"report": Report(f"sms:{fields['MessageSid']}", state, why, address_dead=code in _DEAD)}


def _message(fields: Mapping[str, str]) -> Said:
    text, (parts, elsewhere) = fields.get("Body", ""), _media(fields)
    shown = "\n".join(filter(None, (text, *elsewhere)))
    said: Said = {
        "message_id": f"sms:{fields['MessageSid']}",
        "text": shown,
        "reply_text": shown,
        "language": detect(text),
        "parts": parts,
    }
    return said | _writer(fields.get("From", "")) | _keyword(fields, text)


def _writer(sender: str) -> Said:
    """The carriers vouch for a number; a name or a short code is whatever its owner chose."""
    if not sender:
        return {}
    is_number = _NUMBER.fullmatch(sender) is not None
    claim = Claim("platform" if is_number else "from", Identity("tel", sender), "")
    return {"claims": (claim,)} | ({} if is_number else {"automatic": _NO_PERSON})


def _keyword(fields: Mapping[str, str], text: str) -> Said:
    """What the customer asks of the platform itself: it has done so, and has said so."""
    word = " ".join(text.split()).casefold().rstrip(".!")
    asked = fields.get("OptOutType", "")
    if asked == "STOP" or (not asked and word in _STOP):
        why = f"the customer opted out: {word[:20]}"
        return {"aside": True, "report": Report("", "failed", why, address_dead=True)}
    if asked == "START" or (not asked and word in _START):
        return {"aside": True, "report": Report("", "delivered")}
    if asked == "HELP" or (not asked and word in _HELP):
        return {"automatic": _ANSWERED}
    return {}


def _media(fields: Mapping[str, str]) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The files to fetch, and the addresses of those that are not Twilio's to give."""
    count = fields.get("NumMedia", "0")
    is_count = count.isascii() and count.isdecimal() and len(count) < 4
    named = range(min(int(count), _MOST_FILES) if is_count else 0)
    parts, elsewhere = [], []
    for number in named:
        url = fields.get(f"MediaUrl{number}", "")
        kind = fields.get(f"MediaContentType{number}") or "application/octet-stream"
        if found := _MEDIA.fullmatch(url):
            parts.append(_part(kind, found[1]))
        elif url:
            elsewhere.append(url)
    return tuple(parts), tuple(elsewhere)


def _part(kind: str, source: str) -> Part:
    return Part(
        role="attachment", content_type=kind[:100], size=0, sha256="", data=b"", source=source
    )
