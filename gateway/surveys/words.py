"""Pure: scores that are no numbers: stars, and the words of the scale from 1 to 5."""

from __future__ import annotations

import re
from typing import Final

LEAD: Final = r"(?:(?:評価|満足度|点数|score|rating)\s*(?:は|is\b|:|=)?\s*)?"
_FULL: Final = r"[★⭐🌟]\ufe0f?"
_EMPTY: Final = r"[☆✩]\ufe0f?"
# A row of stars, and what follows it; stars around words are a decoration.
_ROW: Final = re.compile(
    rf"{LEAD}((?:{_FULL}[ \t]?)+)((?:{_EMPTY}[ \t]?)*)(?:です|でした)?((?:(?!{_FULL}|{_EMPTY}).)*)\Z",
    re.DOTALL | re.IGNORECASE,
)
_OF: Final = 5
_LINE_ENDS: Final = re.compile(r"(?:です|でした)?[ \t。.!]*(?:\n|\Z)")
_STANDS_APART: Final = re.compile(r"(?:です|でした)?(?:[\s。、.,!:]|\Z)|(?<=[ \t])")
_ENDING: Final = r"(?:です|でした|しました|しています|しております|だと思います|と思います)?[\s。.!♪]*(?:\n(.*))?\Z"

# Of the usual five answers; where two scales differ ("満足" is the best of one, the second of
# another) we count what flatters us less, on the same side.
_SAYS: Final = {
    5: ("大変満足", "とても満足", "非常に満足", "大満足", "とても良い", "とても良かった",
        "very satisfied", "extremely satisfied", "very well"),
    4: ("満足", "やや満足", "良い", "良かった", "satisfied", "somewhat satisfied", "well"),
    3: ("普通", "ふつう", "どちらでもない", "どちらとも言えない", "どちらともいえない", "neutral", "so-so",
        "neither satisfied nor dissatisfied"),
    2: ("不満", "やや不満", "あまり良くない", "あまり良くなかった", "dissatisfied",
        "somewhat dissatisfied", "unsatisfied", "not satisfied", "not so well"),
    1: ("大変不満", "とても不満", "非常に不満", "良くない", "良くなかった", "very dissatisfied",
        "extremely dissatisfied", "not well"),
}  # fmt: skip
_SCORE: Final = {said: score for score, all_ in _SAYS.items() for said in all_}
_SAID: Final = re.compile(
    rf"(?:i am |i'm |i was )?({'|'.join(sorted(_SCORE, key=len, reverse=True))}){_ENDING}",
    re.DOTALL | re.IGNORECASE,
)
_COUNTED: Final = re.compile(rf"星[ \t]*([1-5])[ \t]*[つ個]{_ENDING}", re.DOTALL)


def of_five(text: str) -> tuple[int, str] | None:
    """The score from 1 to 5 that stands there in stars or in words, and what follows; else None.

    `text` is in Unicode's form NFKC. A word counts only as a line of its own.
    """
    if found := _COUNTED.match(text):
        return int(found[1]), (found[2] or "").strip()
    if found := _SAID.match(text):
        return _SCORE[found[1].lower()], (found[2] or "").strip()
    return _starred(text)


def _starred(text: str) -> tuple[int, str] | None:
    found = _ROW.match(text)
    if found is None:
        return None
    full, empty = (len(re.findall(one, found[n])) for n, one in ((1, _FULL), (2, _EMPTY)))
    told, whole = found[3], full + empty == _OF
    if full > _OF or (empty and not whole):
        return None
    # Fewer than five may be a bullet before words: one stands alone, several stand apart.
    ends = _LINE_ENDS if full == 1 else _STANDS_APART
    if not (whole or ends.match(text, found.end(2))):
        return None
    return full, told.lstrip(" \t。、.,!:").strip()
