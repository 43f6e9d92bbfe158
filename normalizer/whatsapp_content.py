"""What a message of WhatsApp holds, by its kind; one of an unknown kind says what it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from normalizer.message import Part
from normalizer.tables import decimal, items, table, text_of

_MEDIA = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/ogg",
    "document": "application/octet-stream",
    "sticker": "image/webp",
}
_MOST = 4000  # characters of what a form of ours brought back

Table = dict[str, Any]


class Content(NamedTuple):
    """`about` is the message that it belongs to, where the kind itself says so; `ours` are words
    of ours below the customer's, which tell no language.
    """

    text: str = ""
    ours: str = ""
    parts: tuple[Part, ...] = ()
    pressed: str = ""
    edits: str = ""
    about: str = ""
    aside: bool = False
    defects: tuple[str, ...] = ()


def content_of(message: Table) -> Content:
    """Total: whatever a customer sent is at least named."""
    kind = text_of(message.get("type"))
    held = table(message.get(kind))
    if kind in _MEDIA:
        return _media(kind, held)
    if kind == "contacts":
        return Content("\n".join(_contact(table(one)) for one in items(message.get(kind))))
    reader = _KINDS.get(kind)
    return reader(held) if reader else _unknown(kind, message)


def name_of(id_: str) -> str:
    """How a message of WhatsApp is called among all messages."""
    return f"whatsapp:{id_}" if id_ else ""


def _text(held: Table) -> Content:
    return Content(text_of(held.get("body")))


def _media(kind: str, held: Table) -> Content:
    caption, id_ = text_of(held.get("caption")), text_of(held.get("id"))
    is_sticker = kind == "sticker"
    defects = ("a sticker",) if is_sticker else ()
    if not id_:
        lost = f"[{kind}: WhatsApp did not give the file]"
        return Content(caption, lost, aside=is_sticker, defects=defects)
    part = Part(
        role="attachment",
        content_type=text_of(held.get("mime_type")).partition(";")[0].strip() or _MEDIA[kind],
        size=0,
        sha256="",
        data=b"",
        filename=text_of(held.get("filename")),
        source=id_,
    )
    return Content(caption, parts=(part,), aside=is_sticker, defects=defects)


def _reaction(held: Table) -> Content:
    """An emoji, or that it was taken back."""
    emoji, about = text_of(held.get("emoji")), text_of(held.get("message_id"))
    defects = () if emoji else ("the customer took a reaction back",)
    return Content(emoji, about=name_of(about), aside=True, defects=defects)


def _location(held: Table) -> Content:
    place = (held.get("latitude"), held.get("longitude"))
    point = ", ".join(str(decimal(one)) for one in place if isinstance(one, int | float))
    named = (text_of(held.get(key)) for key in ("name", "address", "url"))
    return Content("\n".join(filter(None, (*named, point))))


def _contact(contact: Table) -> str:
    """A card from somebody's address book, on one line."""
    name = text_of(table(contact.get("name")).get("formatted_name"))
    numbers = [text_of(table(one).get("phone")) for one in items(contact.get("phones"))]
    addresses = [text_of(table(one).get("email")) for one in items(contact.get("emails"))]
    return ", ".join(filter(None, (name, *numbers, *addresses)))


def _interactive(held: Table) -> Content:
    """A button of ours, a row of a list of ours, or a form that was filled in."""
    kind = text_of(held.get("type"))
    chosen = table(held.get(kind))
    if kind in {"button_reply", "list_reply"}:
        title, pressed = text_of(chosen.get("title")), text_of(chosen.get("id"))
        return Content(title or pressed, pressed=pressed)
    if kind == "nfm_reply":
        lines = (text_of(chosen.get("body")), _filled(text_of(chosen.get("response_json"))))
        return Content("\n".join(filter(None, lines)))
    return _unknown(f"interactive {kind}".strip(), {})


def _filled(response: str) -> str:
    try:
        fields = table(json.loads(response))
    except (ValueError, RecursionError):
        return response[:_MOST]
    lines = (f"{key}: {value}" for key, value in fields.items() if key != "flow_token")
    return "\n".join(lines)[:_MOST]


def _button(held: Table) -> Content:
    """The button of a template."""
    label, pressed = text_of(held.get("text")), text_of(held.get("payload"))
    return Content(label or pressed, pressed=pressed)


def _order(held: Table) -> Content:
    lines = [text_of(held.get("text"))]
    for item in map(table, items(held.get("product_items"))):
        named = (item.get(key) for key in ("quantity", "product_retailer_id", "item_price"))
        number, product, price = (
            str(one) if isinstance(one, str | int | float) else "" for one in named
        )
        lines.append(f"{number} × {product} ({price} {text_of(item.get('currency'))})")
    return Content("\n".join(filter(None, lines)))


def _system(held: Table) -> Content:
    """WhatsApp's own words about a customer, such as a new number."""
    kind = text_of(held.get("type"))
    return Content(text_of(held.get("body")), aside=True, defects=(f"an event: {kind[:40]}",))


def _welcome(_: Table) -> Content:
    """Somebody has opened the chat for the first time, and has said nothing yet."""
    return Content(aside=True, defects=("an event: request_welcome",))


def _edit(held: Table) -> Content:
    """The new wording, read as a message of its own kind."""
    inner = table(held.get("message"))
    original = name_of(text_of(held.get("original_message_id")))
    content = _unknown("edit", {}) if inner.get("type") == "edit" else content_of(inner)
    return content._replace(edits=original)


def _revoke(held: Table) -> Content:
    original = name_of(text_of(held.get("original_message_id")))
    return Content(aside=True, edits=original, defects=("the customer deleted it",))


def _unknown(kind: str, message: Table) -> Content:
    """What WhatsApp gives to no business, or what came after this was written."""
    kind = text_of(table(message.get("unsupported")).get("type")) or kind or "nothing"
    errors = [table(one) for one in items(message.get("errors"))]
    why = next((text for one in errors if (text := _reason(one))), "")
    return Content(
        ours=f"[{kind[:40]}: this kind of message cannot be shown here]",
        defects=(f"a message of the unknown kind {kind[:40]}{f': {why}' if why else ''}",),
    )


def _reason(error: Table) -> str:
    told = text_of(table(error.get("error_data")).get("details")) or text_of(error.get("title"))
    return told[:200]


_KINDS: dict[str, Callable[[Table], Content]] = {
    "text": _text,
    "reaction": _reaction,
    "location": _location,
    "interactive": _interactive,
    "button": _button,
    "order": _order,
    "system": _system,
    "edit": _edit,
    "revoke": _revoke,
    "request_welcome": _welcome,
}
