"""Pure: the scales that customers answer on, and the scores that stand at the beginning of a text."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.surveys.words import LEAD, of_five

# Not a number of something: "5 days ago", 「3件」.
_OF_SOMETHING: Final = (
    r"(?!\s*(?:(?:business|working|days?|weeks?|months?|years?|hours?|minutes?|times?|items?|more|questions?"
    r"|things?|of)\b|%|つ(?!星)|点(?:だけ|ほど|満点|、?(?:ご?質問|ご?確認|お))"
    r"|[日週月年時分回件個度人本枚台番目名箱着冊通階号円万千百]))"
)
_STARS: Final = r"つ星|stars?\b|[★⭐🌟]\ufe0f?(?![★⭐🌟☆])"
# Nor the beginning of a number that goes on: 4-A1234, 3 1234 5678, 5_2026, 2/B7.
_GOES_ON: Final = r"(?![ \t]*[-_#]?[ \t]*[a-z]{0,4}[0-9])(?!/[a-z]+[0-9])"
_VOTE: Final = re.compile(r"vote:([0-9]{1,2})\Z")


class Scale(NamedTuple):
    """From `low` to `high`, the best; a score up to `bad` is told to a person at once."""

    name: str
    low: int
    high: int
    bad: int

    @property
    def scores(self) -> range:
        return range(self.low, self.high + 1)


CSAT: Final = Scale("csat", 1, 5, 2)  # how satisfied somebody is
CES: Final = Scale("ces", 1, 7, 3)  # how easy it was
NPS: Final = Scale("nps", 0, 10, 6)  # how likely somebody is to recommend us
SCALES: Final = {scale.name: scale for scale in (CSAT, CES, NPS)}

TEMPLATE: Final = "survey"
PAGE: Final = "vote"  # the format of an arrival that is an answer on a survey's page


class Vote(NamedTuple):
    """A score on a scale, with what was said beside it."""

    score: int
    comment: str


def is_survey(template: str) -> bool:
    """Whether a template asks how we did."""
    return template == TEMPLATE or template.startswith(f"{TEMPLATE}_")


def scale_of(template: str) -> Scale:
    """`survey_ces`, `survey_nps_shop`: the second word names the scale; without, CSAT."""
    words = template.split("_")
    return SCALES.get(words[1], CSAT) if len(words) > 1 else CSAT


def read(text: str, scale: Scale) -> Vote | None:
    """The vote in an answer; None when it does not begin with a score of this scale."""
    plain = unicodedata.normalize("NFKC", text).strip()
    # Five stars are the best there is: on a longer scale nobody knows what they are.
    if scale == CSAT and (said := of_five(plain)):
        return _vote(*said)
    found = _pattern(scale).match(plain)
    return _vote(int(found[1]), found[2].strip()) if found else None


def _vote(score: int, comment: str) -> Vote:
    return Vote(score, comment if any(map(str.isalnum, comment)) else "")


def pressed(data: str, scale: Scale) -> int | None:
    """The score of a button's data; None when it is another button's, or no score of this scale."""
    found = _VOTE.match(data)
    score = int(found[1]) if found else -1
    return score if score in scale.scores else None


def votes(data: str) -> bool:
    """Whether a button's data is a vote, on whatever scale."""
    return _VOTE.match(data) is not None


@lru_cache(maxsize=len(SCALES))
def _pattern(scale: Scale) -> re.Pattern[str]:
    scores = "|".join(str(score) for score in reversed(scale.scores))
    before, after = (r"(?:[★⭐🌟]\ufe0f?|星)?[ \t]*", _STARS) if scale == CSAT else ("", "(?!)")
    starless = "" if scale == CSAT else rf"(?!\s*(?:{_STARS}|[★⭐🌟☆]))"
    return re.compile(
        rf"{LEAD}(?:{scale.high}\s*点満点(?:中|で|の)?\s*)?{before}({scores})(?![0-9a-z])(?:[.,][0-9](?![0-9]))?{_GOES_ON}{starless}"
        # Nor a part of a date, an hour, an amount or a range: 5/12, 5:30, 5,000, 3-4.
        rf"(?![:,.〜~-][0-9]|\s?/\s?(?!{scale.high}(?![0-9]))[0-9]){_OF_SOMETHING}"
        rf"(?!\s*out of (?!{scale.high}(?![0-9])))"
        rf"\s*(?:/\s*{scale.high}|out of {scale.high}|点|{after})?(?:です|でした)?(.*)",
        re.DOTALL | re.IGNORECASE,
    )
