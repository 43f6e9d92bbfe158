"""Pure: a text in pieces of a given length, cut where a reader would pause."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Literal

Unit = Literal["characters", "utf-16", "octets"]

_SIZES: dict[Unit, Callable[[str], int]] = {
    "characters": len,
    "utf-16": lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    "octets": lambda text: len(text.encode("utf-8", "surrogatepass")),
}
# Where to cut, the best first: behind paragraphs, lines, sentences, words.
_PAUSES = tuple(
    map(re.compile, (r"\n\s*\n", r"\n", r"[。！？]+[」』）]*|[.!?]+[\"')]*\s+", r"\s+"))
)
_URL = re.compile(r"https?://[!-~]+")

_ZWJ = "\u200d"
_VIRAMA = 9  # the combining class of signs that join consonants
# Continue the character before them, though Unicode's category does not say so: halfwidth voiced
# marks, Thai and Lao AM, the non-joiner, skin tones, and the tags of regional flags.
_CONTINUES = re.compile(
    "[\uff9e\uff9f\u0e33\u0eb3\u200c\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")
# Hangul that is written by its letters: those that may stand before, and what then may follow.
_LEAD, _VOWEL, _TAIL = (
    "\u1100-\u115f\ua960-\ua97c",
    "\u1160-\u11a7\ud7b0-\ud7c6",
    "\u11a8-\u11ff\ud7cb-\ud7fb",
)
_SYLLABLE = re.compile(
    f"[{_LEAD}][{_LEAD}{_VOWEL}\uac00-\ud7a3]|[{_VOWEL}\uac00-\ud7a3][{_VOWEL}{_TAIL}]|[{_TAIL}]{{2}}"
)


def size(text: str, unit: Unit) -> int:
    """How long a text is."""
    return _SIZES[unit](text)


def cut(text: str, most: int, unit: Unit = "characters") -> list[str]:
    """The text in pieces of at most `most` units, none of them empty; `most` 0 leaves it whole.

    Never inside what a reader sees as one character, unless that alone is too long, and inside an
    address only if it is longer than a piece.
    """
    return gathered(text, most, unit, 1)


def gathered(text: str, most: int, unit: Unit, together: int) -> list[str]:
    """The same with so many pieces left together: `cut` parts each of these as it parts the text."""
    whole = text.strip()
    if not (whole and most):
        return [whole] if whole else []
    spans = list(_spans(whole, max(most, 4), unit))
    firsts, lasts = spans[::together], [*spans[together - 1 :: together], spans[-1]]
    return [whole[a:b] for (a, _), (_, b) in zip(firsts, lasts, strict=False)]


def _spans(text: str, most: int, unit: Unit) -> Iterator[tuple[int, int]]:
    start = 0
    while (end := _fitting(text, start, most, unit)) < len(text):
        at = _pause(text, start, end)
        yield start, start + len(text[start:at].rstrip())
        start = _past_spaces(text, at)
    yield start, len(text)


def _fitting(text: str, start: int, most: int, unit: Unit) -> int:
    """Until where the text fits, beginning at `start`."""
    if size(head := text[start : start + most], unit) <= most:
        return start + len(head)
    left = most
    for at, character in enumerate(head, start):
        left -= size(character, unit)
        if left < 0:
            return at
    return start + len(head)


def _past_spaces(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _pause(text: str, start: int, end: int) -> int:
    """Where to cut: a good place in the second half, else the last place that is one at all."""
    reach, half = _past_spaces(text, end), (start + end) // 2
    urls = [found.span() for found in _URL.finditer(text, start, end)]
    for pause in _PAUSES:
        found = (_edge(match) for match in pause.finditer(text, start, reach))
        places = [at for at in found if half < at <= end and not _inside(at, urls)]
        if places:
            return places[-1]
    return _anywhere(text, start, end)


def _edge(match: re.Match[str]) -> int:
    """Where the words before a pause end: spaces need no room."""
    return match.start() + len(match[0].rstrip())


def _inside(at: int, spans: list[tuple[int, int]]) -> bool:
    return any(start < at < end for start, end in spans)


def _anywhere(text: str, start: int, end: int) -> int:
    """Between two characters; before an address rather than in it."""
    for match in _URL.finditer(text, start):
        if match.start() >= end:
            break
        if start < match.start() and end < match.end():
            return match.start()
    at = end
    while at > start and _is_one(text, at):
        at -= 1
    return at if at > start else end


def _is_one(text: str, at: int) -> bool:
    """Whether the characters before and behind a place are seen as one (UAX 29, its clusters)."""
    before, after = text[at - 1], text[at]
    if before + after == "\r\n" or _ZWJ in {before, after}:
        return True
    if unicodedata.category(after)[0] == "M" or _CONTINUES.match(after):
        return True
    if unicodedata.combining(before) == _VIRAMA and unicodedata.category(after) == "Lo":
        return True
    return _are_flag(text, at) or bool(_SYLLABLE.match(before + after))


def _are_flag(text: str, at: int) -> bool:
    """Flags are pairs of letters: a place behind an odd number of them is inside of one."""
    if not _FLAG.match(text[at]):
        return False
    letters = 0
    while letters < at and _FLAG.match(text[at - 1 - letters]):
        letters += 1
    return letters % 2 == 1
