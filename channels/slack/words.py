"""Pure: what we say, as the messages of Slack's chat.postMessage; and where an answer belongs."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

from channels.cut import cut
from channels.slack.settings import TEXT
from normalizer.message import Button, Message
from normalizer.slack_text import escaped

Table = dict[str, Any]

_ESCAPED = 5  # characters at most that escaping makes of one
_ROW = 5  # buttons
_VALUE = 2000  # characters
_KEYS = uuid.UUID("5d2ee6b6-5d0f-5f0a-9a53-5c7c6b1b0d11")  # ours alone


class Where(NamedTuple):
    """A channel, and a thread in it."""

    channel: str
    thread: str = ""

    @property
    def is_talk(self) -> bool:
        """Whether nobody else reads there."""
        return self.channel.startswith("D")


def where(in_reply_to: str) -> Where | None:
    """Where a message stands that we answer; beside it in a talk with us, below it in a channel."""
    kind, _, rest = in_reply_to.partition(":")
    channel, _, numbers = rest.partition(":")
    first, _, more = numbers.partition("#")[0].partition(":")
    if kind != "slack" or not (channel and first):
        return None
    return Where(channel, "" if Where(channel).is_talk and not more else first)


def post(message: Message) -> Table:
    """One text as it is, and the buttons below it."""
    said: Table = {"text": escaped(message.text), "mrkdwn": False, "unfurl_links": False}
    return said | ({"blocks": _blocks(message)} if message.buttons else {})


def message_key(key: str) -> str:
    """The client_msg_id of a message. Slack promises nothing about it, so we do not rely on it."""
    return str(uuid.uuid5(_KEYS, key))


def _blocks(message: Message) -> list[Table]:
    elements = [_button(number, one) for number, one in enumerate(message.buttons)]
    rows = [elements[n : n + _ROW] for n in range(0, len(elements), _ROW)]
    words = [_plain(piece) for piece in _fitting(message.text)]
    said: list[Table] = [{"type": "section", "text": one} for one in words]
    return [*said, *({"type": "actions", "elements": row} for row in rows)]


def _fitting(text: str) -> list[str]:
    """What fits once it is escaped; that it does not at once is rare."""
    return [text] if len(escaped(text)) <= TEXT else cut(text, TEXT // _ESCAPED)


def _button(number: int, one: Button) -> Table:
    label = _plain(one.label)
    made: Table = {"type": "button", "action_id": f"choice:{number}", "text": label}
    return made | ({"url": one.url} if one.url else {"value": one.data[:_VALUE]})


def _plain(text: str) -> Table:
    return {"type": "plain_text", "text": escaped(text), "emoji": False}
