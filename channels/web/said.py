"""Pure: what a visitor sees of the conversation, as data for the chat."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from normalizer.message import Button
from normalizer.said import Said

_LINKS = frozenset({"https", "mailto"})  # that a button may lead to


def view(said: Sequence[Said]) -> dict[str, Any]:
    """The conversation; `version` is equal as long as nothing changed."""
    messages = [_message(one) for one in said]
    shown = {"reference": reference(said), "messages": messages}
    digest = hashlib.sha256(json.dumps(shown).encode()).hexdigest()
    return shown | {"version": digest[:16]}


def reference(said: Sequence[Said]) -> str:
    """Of the case that was spoken of last; "" before there is one."""
    return next((one.reference for one in reversed(said) if one.reference), "")


def _message(one: Said) -> dict[str, Any]:
    return {
        "id": one.message_id if one.ours else one.message_id.rpartition(":")[2],
        "ours": one.ours,
        "automatic": one.ours and one.kind != "reply",
        "text": one.text.strip(),
        "at": _instant(one.at),
        "buttons": [_button(button) for button in one.buttons if _is_safe(button)],
        "files": [
            {"id": f.sha256, "name": f.filename, "type": f.content_type, "size": f.size}
            for f in one.files
        ],
    }


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _button(button: Button) -> dict[str, str]:
    return {"label": button.label, "data": button.data, "url": button.url}


def _is_safe(button: Button) -> bool:
    return not button.url or urlsplit(button.url).scheme in _LINKS
