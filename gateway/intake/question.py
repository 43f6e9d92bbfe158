"""Pure: one thing to know of a case: how it is asked for, and how its answer looks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_LOOKED_AT: Final = 4000  # characters of a message in which an answer is looked for
_LONGEST: Final = 100  # characters of an answer
_MOST_BUTTONS: Final = 8

# Where nothing else is said: an order number after a word for one; asked for, also as a whole line.
# Neither a date (2026-11-20) nor a telephone number (090-1234-5678).
_OTHER: Final = r"(?!(?:(?:19|20)\d\d-\d\d?-\d\d?|0\d{1,3}-\d{2,4}-\d{4})(?![A-Z0-9]))"
_NUMBER: Final = rf"{_OTHER}(?=[A-Z-]*[0-9])[A-Z0-9](?:[A-Z0-9]|-(?=[A-Z0-9])){{3,24}}"
_BETWEEN: Final = r"(?:は|が|is|no|[:.,、=#\-\s(「『【\[<])"
# After "order" alone, four digits may be a year, or how many somebody wants to have.
_LONG: Final = r"(?=[A-Z0-9-]{5})"
ORDER_NUMBER: Final = (
    rf"(?:(?:注文番号|注文No|オーダー番号|order (?:number|no|id)){_BETWEEN}{{0,20}}"
    rf"|order(?=\s*[:#(=\-]|\s+is\b){_BETWEEN}{{1,20}}|order\s{{1,5}}{_LONG})"
    rf"({_NUMBER})(?![A-Z0-9])"
)
_LEAD: Final = r"(?:(?:はい|yes|it['’]s|it is|番号は?|no|[#:.,、])[ \t]{0,3}){0,5}"
BARE_ORDER_NUMBER: Final = (
    rf"^[ \t]*{_LEAD}({_NUMBER})[ \t]*"
    r"(?:です|になります|でございます|でお願いします)?[ \t]*[.。!]?[ \t]*$"
)
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "order_number": {
        "en": "Do you have an order number?",
        "ja": "ご注文番号はお分かりになりますか。",
    },
    "product": {
        "en": "Which product is it about?",
        "ja": "どの商品についてのお問い合わせですか。",
    },
}


@dataclass(frozen=True, slots=True)
class Question:
    """Asked in new cases with one of `tags`, on one of `channels`; none stands for any.

    `bare` is how the answer may look, too, once it was asked for.
    """

    name: str
    words: Mapping[str, str]
    pattern: re.Pattern[str]
    bare: re.Pattern[str] | None = None
    tags: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    values: tuple[str, ...] = ()

    def find(self, text: str, *, asked: bool = False) -> str:
        """The answer, if it stands in a text; "" if it does not."""
        folded = unicodedata.normalize("NFKC", text[:_LOOKED_AT])
        found = self.pattern.search(folded)
        if found is None and asked and self.bare:
            found = self.bare.search(folded)
        if found is None:
            return ""
        said = next((group for group in found.groups() if group), found[0])
        return self._as_configured(" ".join(said.split())[:_LONGEST])

    def concerns(self, tags: Iterable[str], channel: str) -> bool:
        """Whether a case with these tags, on this channel, is one to ask it in."""
        is_here = not self.channels or channel in self.channels
        return is_here and (not self.tags or not self.tags.isdisjoint(tags))

    def asks(self, language: str, default: str) -> str:
        """The question in this language, or in the nearest that it is there in."""
        tags = (language.lower(), language.lower().partition("-")[0], default, "en")
        found = (self.words[tag] for tag in tags if tag in self.words)
        return next(found, next(iter(self.words.values())))

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be pressed in place of writing."""
        return self.values if len(self.values) <= _MOST_BUTTONS else ()

    def _as_configured(self, said: str) -> str:
        folded = _folded(said)
        return next((value for value in self.values if _folded(value) == folded), said)


def compiled(pattern: str) -> re.Pattern[str]:
    """As `[[ask]]` means it; re.error where it is no pattern."""
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


def any_of(values: Iterable[str]) -> re.Pattern[str]:
    """Finds any of these words: whole ones where a script sets spaces, the longest first."""
    folded = sorted((unicodedata.normalize("NFKC", one) for one in values), key=len, reverse=True)
    words = "|".join(re.escape(one) for one in folded)
    return compiled(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
