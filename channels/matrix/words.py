"""Pure: what we say, as the contents of Matrix events."""

from __future__ import annotations

from typing import Any

from normalizer.message import Message, Part

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


def text_content(message: Message) -> dict[str, Any]:
    """What we say by ourselves is a notice, which no bot ever answers (Matrix, "m.notice")."""
    kind = "m.text" if message.kind in {"message", "reply"} else "m.notice"
    return {"msgtype": kind, "body": message.text} | _about(message)


def _about(message: Message) -> dict[str, Any]:
    event = message.in_reply_to.removeprefix("matrix:")
    is_event = event.startswith("$") and event != message.in_reply_to
    return {"m.relates_to": {"m.in_reply_to": {"event_id": event}}} if is_event else {}


def file_content(part: Part, address: str) -> dict[str, Any]:
    """A file that was uploaded to an mxc:// address."""
    kind = part.content_type.partition("/")[0]
    kind = kind if kind in {"image", "audio", "video"} else "file"
    name = part.filename or "file"
    info = {"mimetype": part.content_type, "size": part.size}
    return {"msgtype": f"m.{kind}", "body": name, "filename": name, "url": address, "info": info}
