"""Pure: what we say, as the Cloud API's message objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from channels.base import Rejected
from channels.cut import cut, size
from channels.whatsapp_settings import Template
from normalizer.message import Button, Message, Part

TEXT = 4096  # characters of a text, or of a list's
_BESIDE_BUTTONS = 1024  # … with buttons below it, or within a template
_BUTTONS, _LABEL = 3, 20  # of reply buttons, characters of each
_ROWS, _ROW = 10, 24  # of a list
_DATA = 200
_CHOOSE = {"ja": "選ぶ", "en": "Choose"}

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
FILE = 100 * 2**20  # octets of a document

Object = dict[str, Any]


def objects(message: Message) -> list[Object]:
    """The texts in their order, the choices below the last."""
    choices = [button for button in message.buttons if button.data and not button.url][:_ROWS]
    ways = [f"{button.label}: {button.url}" for button in message.buttons if button.url]
    text = "\n".join((message.text.strip(), *ways)).strip()
    if not choices:
        return [_text(piece) for piece in cut(text, TEXT, "utf-16")]
    if not text:
        raise Rejected("there are buttons, and no text")
    *before, last = _fitting(text, TEXT if len(choices) > _BUTTONS else _BESIDE_BUTTONS)
    return [*map(_text, before), _choice(last, choices, message.language)]


def _fitting(text: str, most: int) -> list[str]:
    """Pieces of which the last leaves room for buttons."""
    pieces = cut(text, TEXT, "utf-16")
    if size(pieces[-1], "utf-16") <= most:
        return pieces
    return [*pieces[:-1], *cut(pieces[-1], most, "utf-16")]


def _text(piece: str) -> Object:
    return {"type": "text", "text": {"body": piece, "preview_url": False}}


def _choice(text: str, choices: Sequence[Button], language: str) -> Object:
    if len(choices) <= _BUTTONS:
        replies = [{"type": "reply", "reply": one} for one in _named(choices, _LABEL)]
        said: Object = {"type": "button", "action": {"buttons": replies}}
    else:
        label = _CHOOSE["ja" if language.partition("-")[0] == "ja" else "en"]
        said = {
            "type": "list",
            "action": {"button": label, "sections": [{"rows": _named(choices, _ROW)}]},
        }
    return {"type": "interactive", "interactive": said | {"body": {"text": text}}}


def _named(choices: Iterable[Button], most: int) -> list[dict[str, str]]:
    """Labels as long as there is room; what comes back says which it was."""
    return [{"id": one.data[:_DATA], "title": _short(one.label, most)} for one in choices]


def _short(label: str, most: int) -> str:
    whole = " ".join(label.split())
    return whole if size(whole, "utf-16") <= most else f"{cut(whole, most - 1, 'utf-16')[0]}…"


def outside(message: Message, template: Template | None) -> Object:
    """What is said when the window has closed. Raises Rejected where nothing fits."""
    if template is None:
        raise Rejected(
            "the customer last wrote more than 24 hours ago, and no template is for this", "window"
        )
    if any(part.role != "text" for part in message.parts) and template.with_text:
        raise Rejected("files can be sent only within 24 hours of the customer's words", "window")
    said: Object = {"name": template.name, "language": {"code": template.language}}
    if template.with_text:
        # A variable takes no line breaks, and no more than a few spaces in a row.
        text = " ".join(message.text.split())
        if not text or size(text, "utf-16") > _BESIDE_BUTTONS:
            raise Rejected(f"a template takes 1 to {_BESIDE_BUTTONS} characters", "window")
        said["components"] = [{"type": "body", "parameters": [{"type": "text", "text": text}]}]
    return {"type": "template", "template": said}


def shown_as(part: Part) -> str:
    """Which kind of message a file is. Raises Rejected for one that is too large."""
    if part.size > FILE:
        raise Rejected(f"{part.filename or 'a file'} is larger than {FILE >> 20} MiB")
    kind, most = _SHOWN.get(part.content_type, ("document", FILE))
    return kind if part.size <= most else "document"


def file(part: Part, kind: str, id_: str) -> Object:
    """A file that WhatsApp has under an id."""
    held = {"id": id_} | ({"filename": part.filename or "file"} if kind == "document" else {})
    return {"type": kind, kind: held}
