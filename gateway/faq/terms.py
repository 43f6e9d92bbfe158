"""Pure: the terms of a text: words where a script has spaces, pairs of characters in Japanese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gateway.team.route import folded

MOST: Final = 4000  # characters of a text that are looked at

_RUN: Final = re.compile(
    r"(?P<word>[a-z0-9\u00c0-\u024f]+(?:['’][a-z]+)?)"
    r"|(?P<kanji>[\u3400-\u9fff々〆]+)(?P<tail>[\u3041-\u3096]?)"
    r"|(?P<kana>[\u30a1-\u30fa\u30fc]{2,})"
)
# What holds sentences together, and what every letter to a help desk says.
_SMALL_WORDS: Final = (
    "a about after again all also am an and any are as at back be because been before but by can"
    " cannot could did do does doing don done find for from get go got had has have hello help her here"
    " hi him his how i if in into is it its just know last let like make me more my need no not now"
    " of off on one or our out over please shall she should since so some still tell than thank"
    " thanks that the their them then there these they this those to too up us very want was way we"
    " were what when where which while who why will with would yes yet you your dear regards"
    " question problem"
)
_EMPTY: Final = frozenset(_SMALL_WORDS.split())
_SMALL_PAIRS: Final = (
    "下さ 頂き 頂け 致し 願い お願 有難 御座 思い 思っ 言い 場合 方法 質問 問合 以上 失礼 宜し 教え"
    " 今回 先日 時は 何か 何を 何が 私は 私の 私が"
)
_EMPTY_PAIRS: Final = frozenset(_SMALL_PAIRS.split())
_ENDINGS: Final = ("ing", "ed", "es", "s")


def terms(text: str) -> Iterator[str]:
    """Every term, as often as it stands there; capitals and full-width letters make no difference."""
    for run in _RUN.finditer(folded(text[:MOST])):
        if word := run["word"]:
            if word not in _EMPTY and len(word) > 1:
                yield stem(word)
        else:
            yield from _pairs(run["kanji"] or "", run["tail"] or "", run["kana"] or "")


def _pairs(kanji: str, tail: str, kana: str) -> Iterator[str]:
    """Pairs within a run; a single kanji with the kana that its verb begins with: 届き, 払い."""
    run = kana or (kanji if len(kanji) > 1 else kanji + tail)
    for start in range(len(run) - 1):
        if (pair := run[start : start + 2]) not in _EMPTY_PAIRS:
            yield pair


def stem(word: str) -> str:
    """A word without its commonest endings: parcels, returned and returning meet."""
    bare = word.partition("'")[0].partition("’")[0]
    for ending in _ENDINGS:
        if bare.endswith(ending) and len(bare) - len(ending) >= 4 and not bare.endswith("ss"):
            bare = bare.removesuffix(ending)
            break
    return bare.removesuffix("e") if len(bare) > 4 else bare
