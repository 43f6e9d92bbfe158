"""Pure: what we say, as the Cloud API's message objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from channels.base import Rejected
from channels.cut import size
from channels.whatsapp.settings import Template
from normalizer.message import Button, Message, Part

_BESIDE_BUTTONS = 1024  # characters of a text with reply buttons below it, or within a template
_BUTTONS = 3
_CHOOSE = {"ja": "選ぶ", "en": "Choose"}  # what opens a list

# The largest picture, film and sound that are shown as such; what is larger goes as a document.
_SHOWN = {
    "image/jpeg": ("image", 5 * 2**20),
    "image/png": ("image", 5 * 2**20),
    "video/mp4": ("video", 16 * 2**20),
    "video/3gpp": ("video", 16 * 2**20),
    "audio/aac": ("audio", 16 * 2**20),
    "audio/amr": ("audio", 16 * 2**20),
    "audio/mpeg": ("audio", 16 * 2**20),
    "audio/mp4": ("audio", 16 * 2**20),
}

Object = dict[str, Any]


def text(message: Message) -> Object:
    """A text, with what can be chosen below it."""
    if message.buttons:
        return _choice(message.text, message.buttons, message.language)
    return {"type": "text", "text": {"body": message.text, "preview_url": False}}


def _choice(text: str, buttons: Sequence[Button], language: str) -> Object:
    """Reply buttons, or a list where there are many or the text is long."""
    named = [{"id": one.data, "title": one.label} for one in buttons]
    if len(named) <= _BUTTONS and size(text, "utf-16") <= _BESIDE_BUTTONS:
        replies = [{"type": "reply", "reply": one} for one in named]
        said: Object = {"type": "button", "action": {"buttons": replies}}
    else:
        label = _CHOOSE["ja" if language.partition("-")[0] == "ja" else "en"]
        said = {"type": "list", "action": {"button": label, "sections": [{"rows": named}]}}
    return {"type": "interactive", "interactive": said | {"body": {"text": text}}}


def outside(message: Message, template: Template | None) -> Object:
    """What is said when the window has closed. Raises Rejected where nothing fits."""
    if template is None:
        raise Rejected("more than 24 hours since the customer wrote, and no template", "window")
    said: Object = {"name": template.name, "language": {"code": template.language}}
    if template.with_text:
        # A variable takes no line breaks, and no more than a few spaces in a row.
        words = " ".join(message.text.split())
        if not words or size(words, "utf-16") > _BESIDE_BUTTONS:
            raise Rejected(f"a template takes 1 to {_BESIDE_BUTTONS} characters", "window")
        said["components"] = [{"type": "body", "parameters": [{"type": "text", "text": words}]}]
    return {"type": "template", "template": said}


def file(part: Part, id_: str) -> Object:
    """A file that WhatsApp has under an id."""
    kind, most = _SHOWN.get(part.content_type, ("document", 0))
    kind = kind if part.size <= most else "document"
    held = {"id": id_} | ({"filename": part.filename or "file"} if kind == "document" else {})
    return {"type": kind, kind: held}
