"""Pure: what we say, as LINE's message objects."""

from __future__ import annotations

from typing import Any

from channels.base import Rejected
from channels.cut import cut
from normalizer.message import Message

TEXT = 5000  # UTF-16 code units of one text message, as LINE counts them
OBJECTS = 5  # message objects of one call
_PERSON = {"ja": "担当者と話す", "en": "Talk to a person"}
ALONE = "このアカウントは1対1のトークでご利用ください。\nPlease write to this account in a chat of its own."

Object = dict[str, Any]


def objects(message: Message) -> list[Object]:
    """The message objects of one call. Raises Rejected for what cannot be said in one."""
    pieces = cut(message.text, TEXT, "utf-16")
    if not pieces:
        raise Rejected("there is no text in it")
    if len(pieces) > OBJECTS:
        raise Rejected(f"it is longer than LINE takes: {OBJECTS} messages of {TEXT} characters")
    found: list[Object] = [{"type": "text", "text": piece} for piece in pieces]
    if message.kind == "acknowledgement":
        found[-1]["quickReply"] = {"items": [_button(message.language)]}
    return found


def _button(language: str) -> Object:
    """Pressed, it says its own words in the customer's name: a message as any other."""
    said = _PERSON["ja" if language.partition("-")[0] == "ja" else "en"]
    return {"type": "action", "action": {"type": "message", "label": said, "text": said}}
