"""Pure: what we say, as LINE's message objects."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from channels.base import Rejected
from channels.cut import cut
from channels.line.settings import TEXT
from normalizer.message import Button, Message

OBJECTS = 5  # message objects of one call
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
    if message.buttons:
        found[-1]["quickReply"] = {"items": [_button(one) for one in message.buttons]}
    return found


def _button(button: Button) -> Object:
    """Pressed, it stands in the chat as the customer's words; LINE itself tells no label."""
    data = urlencode({"pressed": button.data, "label": button.label})
    action = {"type": "postback", "label": button.label, "data": data, "displayText": button.label}
    return {"type": "action", "action": action}
