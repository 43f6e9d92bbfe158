"""Pure: which entries a question is about, by its words (BM25), and rather none than a wrong one."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from gateway.faq.entries import Entry
from gateway.faq.terms import terms

MOST: Final = 3  # links in one message
FITS: Final = 0.6  # the part of a title, by weight, that a question has to say
_BESIDE: Final = 0.45  # the part of the best entry's score below which another is left out

_K1, _B = 1.2, 0.5  # BM25's usual saturation; titles make lengths matter less
_TITLE: Final = 3  # how often a term of the title counts


class _Indexed(NamedTuple):
    """An entry with the terms of its title and of each of its `words`."""

    entry: Entry
    title: frozenset[str]
    phrases: tuple[frozenset[str], ...]


class Index:
    """Built once; `search` costs far less than a millisecond with hundreds of entries."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = [_indexed(entry) for entry in entries]
        counted = [_counted(one) for one in self._entries]
        lengths = [sum(found.values()) for found in counted]
        average = sum(lengths) / len(lengths) if lengths else 1.0
        with_term = Counter(term for found in counted for term in found)
        self._weights = {term: _weight(n, len(counted)) for term, n in with_term.items()}
        self._least = [
            FITS * sum(self._weights[term] for term in one.title) for one in self._entries
        ]
        self._scores: list[dict[str, float]] = []  # of each entry, by term
        self._named: dict[str, list[int]] = defaultdict(list)  # entries by what names them
        for number, found in enumerate(counted):
            norm = _K1 * (1 - _B + _B * lengths[number] / average)
            self._scores.append(
                {t: self._weights[t] * n * (_K1 + 1) / (n + norm) for t, n in found.items()}
            )
            for term in self._entries[number].title.union(*self._entries[number].phrases):
                self._named[term].append(number)

    def search(self, question: str, language: str) -> tuple[Entry, ...]:
        """The entries in this language that fit, the best first; mostly none."""
        asked = frozenset(terms(question))
        named = {number for term in asked for number in self._named.get(term, ())}
        fits = [
            (sum(self._scores[number].get(term, 0.0) for term in asked), number)
            for number in named
            if _speaks(self._entries[number].entry, language) and self._fits(number, asked)
        ]
        fits.sort(key=lambda one: (-one[0], one[1]))
        least = fits[0][0] * _BESIDE if fits else 0.0
        return tuple(self._entries[number].entry for score, number in fits if score >= least)[:MOST]

    def _fits(self, number: int, asked: frozenset[str]) -> bool:
        """Whether the question says most of the title, or one of the words wholly."""
        one = self._entries[number]
        for phrase in one.phrases:
            if phrase <= asked:
                return True
        said = sum(self._weights[term] for term in one.title if term in asked)
        return said > 0 and said >= self._least[number]


def _indexed(entry: Entry) -> _Indexed:
    phrases = (frozenset(terms(one)) for one in entry.words)
    return _Indexed(entry, frozenset(terms(entry.title)), tuple(filter(None, phrases)))


def _counted(one: _Indexed) -> Counter[str]:
    found = Counter(terms(one.entry.text))
    for term in (*one.title, *(term for phrase in one.phrases for term in phrase)):
        found[term] += _TITLE
    return found


def _weight(with_term: int, entries: int) -> float:
    """Rare terms say more (BM25's inverse document frequency, never below zero)."""
    return math.log(1 + (entries - with_term + 0.5) / (with_term + 0.5))


def _speaks(entry: Entry, language: str) -> bool:
    return entry.language in ("", language) or entry.language.partition("-")[0] == language.partition("-")[0]  # fmt: skip


def titles(entries: Sequence[Entry]) -> str:
    """As lines for a text: what each is about, and below it where it stands."""
    return "\n".join(f"・{entry.title}\n  {entry.url}" for entry in entries)
