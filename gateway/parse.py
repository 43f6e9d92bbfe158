"""Mail files as JSON objects, one a file: what `madoguchi parse` prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from normalizer import normalize
from normalizer.email.forms import Found, Places, find, head_of
from normalizer.message import Address, Bounce, Envelope, Message, Part

_NOT_SHOWN = frozenset({"text", "html"})


def parse_files(paths: Iterable[str], places: Places | None = None) -> Iterator[dict[str, Any]]:
    """One object a file, in order; a file that cannot be read has an `error`.

    With the `places` of a rule for form mail, `form` shows what stands there, whoever vouches.
    """
    for path in paths:
        try:
            raw = Path(path).read_bytes()
        except OSError as error:
            yield {"file": path, "error": error.strerror or str(error)}
            continue
        message = normalize(_envelope(path, raw))[0]
        shown = describe(path, message)
        yield shown | {"form": _form(find(places, head_of(raw), message.text))} if places else shown


def _envelope(path: str, raw: bytes) -> Envelope:
    """A file has no wire and no arrival, so neither is told."""
    return Envelope(
        channel="",
        format="rfc5322",
        raw=raw,
        unit=path,
        received_at=datetime.fromtimestamp(0, UTC),
    )


def describe(file: str, message: Message) -> dict[str, Any]:
    """The fixed shape that scripts rely on."""
    shown: dict[str, Any] = {
        "file": file,
        "message_id": message.message_id,
        "in_reply_to": message.in_reply_to,
        "references": list(message.references),
        "from": _address(message.from_[0]) if message.from_ else None,
        "to": [_address(one) for one in message.to],
        "cc": [_address(one) for one in message.cc],
        "reply_to": [_address(one) for one in message.reply_to],
        "subject": message.subject,
        "base_subject": message.base_subject,
        "date": message.date.isoformat() if message.date else None,
        "text": message.text,
        "html": message.html,
        "reply_text": message.reply_text,
        "language": message.language,
        "attachments": [_part(part) for part in message.parts if part.role not in _NOT_SHOWN],
        "auto": {
            "is_auto": message.automatic.is_auto,
            "kind": message.automatic.kind,
            "suppress_reply": message.automatic.suppress_reply,
            "reasons": list(message.automatic.reasons),
        },
        "bounce": _bounce(message.bounce) if message.bounce else None,
        "claims": [{"source": c.source, "identity": str(c.identity)} for c in message.claims],
        "mentions": list(message.mentions),
        "defects": list(message.defects),
        "fingerprint": message.fingerprint,
    }
    return {**shown, "error": message.unreadable} if message.unreadable else shown


def _form(found: Found) -> dict[str, Any]:
    return {
        "author": found.author.address if found.author else None,
        "name": found.author.name if found.author else "",
        "subject": found.subject,
        "fields": found.fields,
    }


def _address(address: Address) -> dict[str, str]:
    return {"address": address.address, "name": address.name}


def _part(part: Part) -> dict[str, Any]:
    return {
        "filename": part.filename,
        "content_type": part.content_type,
        "size": part.size,
        "sha256": part.sha256,
        "inline": part.role == "inline",
        "content_id": part.content_id,
    }


def _bounce(bounce: Bounce) -> dict[str, Any]:
    return {
        "is_bounce": bounce.action not in {"delivered", "relayed", "expanded"},
        "recipients": [recipient._asdict() for recipient in bounce.recipients],
        "status": bounce.status,
        "action": bounce.action,
        "permanent": bounce.permanent,
        "kind": bounce.kind,
        "original_message_id": bounce.original_message_id,
    }


if __name__ == "__main__":
    for described in parse_files(sys.argv[1:]):
        sys.stdout.write(json.dumps(described, ensure_ascii=True) + "\n")
