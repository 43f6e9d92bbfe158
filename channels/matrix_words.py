"""Pure: what we say, as the contents of Matrix events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from channels.base import Rejected
from channels.cut import cut
from normalizer.message import Button, Message, Part

MOST = 40_000  # octets of one text; an event has at most 65,536 with all that stands around it

ALONE = (
    "このアカウントは1対1のチャットでご利用ください。新しいチャットを開いてお書きください。\n"
    "Please write to this account in a chat with nobody else in it."
)
LOCKED = (
    "恐れ入りますが、暗号化されたメッセージは読むことができません。"
    "暗号化をオフにした新しいチャットでお書きください。\n"
    "We are sorry: we cannot read encrypted messages. "
    "Please open a new chat with us with encryption turned off, and write there."
)


def contents(message: Message) -> list[dict[str, Any]]:
    """The texts in their order, the first as an answer to what it is about.

    What we say by ourselves is a notice, which no bot ever answers (Matrix, "m.notice").
    """
    kind = "m.text" if message.kind in {"message", "reply"} else "m.notice"
    texts = cut(_with_choices(message.text, message.buttons), MOST, "octets")
    found: list[dict[str, Any]] = [{"msgtype": kind, "body": text} for text in texts]
    about = message.in_reply_to.removeprefix("matrix:")
    if found and about.startswith("$") and about != message.in_reply_to:
        found[0]["m.relates_to"] = {"m.in_reply_to": {"event_id": about}}
    return found


def files(message: Message) -> list[Part]:
    return [part for part in message.parts if part.role in {"attachment", "inline"}]


def file_content(part: Part, address: str) -> dict[str, Any]:
    """A file that was uploaded to an mxc:// address."""
    kind = part.content_type.partition("/")[0]
    kind = kind if kind in {"image", "audio", "video"} else "file"
    name = part.filename or "file"
    info = {"mimetype": part.content_type, "size": part.size}
    return {"msgtype": f"m.{kind}", "body": name, "filename": name, "url": address, "info": info}


def spoken(message: Message) -> None:
    """Raises Rejected for a message that says nothing."""
    if not (message.text.strip() or files(message)):
        raise Rejected("there is nothing to say")


def _with_choices(text: str, buttons: Iterable[Button]) -> str:
    """Matrix has no buttons: each is a line to read, or a way to a page."""
    lines = (f"▸ {one.label}: {one.url}" if one.url else f"▸ {one.label}" for one in buttons)
    below = "\n".join(lines)
    return f"{text}\n\n{below}" if below else text
