"""Pure: a text as the messages that Telegram takes, broken where a reader would pause."""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST = 4096  # UTF-16 code units of one message (Bot API, sendMessage)

# Where to break, the best first: between paragraphs, lines, sentences, words.
_BREAKS = tuple(map(re.compile, (r"\n\s*\n", r"\n", r"(?<=[。!?！？])|(?<=[.!?])\s+", r"\s+")))


def units(text: str) -> int:
    """The length of a text as Telegram counts: characters beyond U+FFFF are two."""
    return len(text) + sum(character > "\uffff" for character in text)


def split(text: str, most: int = MOST) -> list[str]:
    """The text in pieces of at most so many units, none of them empty."""
    return [piece for piece in _pieces(text.strip(), most) if piece]


def _pieces(text: str, most: int) -> Iterator[str]:
    while units(text) > most:
        end, then = _break(text[: _fitting(text, most)])
        yield text[:end].rstrip()
        text = text[then:].lstrip()
    yield text


def _fitting(text: str, most: int) -> int:
    """How many characters of the text fit."""
    left = most
    for count, character in enumerate(text):
        left -= 2 if character > "\uffff" else 1
        if left < 0:
            return count
    return len(text)


def _break(head: str) -> tuple[int, int]:
    """Where a piece ends and the next begins: a good place in its second half, else its end."""
    for places in _BREAKS:
        found = [place.span() for place in places.finditer(head) if place.start() > len(head) // 2]
        if found:
            return found[-1]
    return len(head), len(head)
