"""Pure: what a customer answers when asked how we did: a number, and perhaps some words."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from gateway.record import event_row, storable
from normalizer.message import Message
from store import rows
from store.known import Arrival, Changes, Known
from store.rows import instant

BAD: Final = 2  # a score up to this is told to a person at once

_LONGEST: Final = 2000  # characters of a comment in an event; the message has them all
_SCORE: Final = re.compile(
    r"([1-5])(?![0-9a-z])(?:[.,][0-9])?"
    # Not a number of something: "5 days ago", 「3件」.
    r"(?!\s*(?:days?|weeks?|months?|years?|hours?|minutes?|times?|items?|of\b|%|[日週月年時分回件個つ度人本枚]))"
    r"\s*(?:/\s*5|out of 5|点)?(?:です)?(.*)",
    re.DOTALL | re.IGNORECASE,
)


class Vote(NamedTuple):
    """A score from 5 (very well) to 1 (not well), with what was said beside it."""

    score: int
    comment: str


def read(text: str) -> Vote | None:
    """The vote in an answer to a survey; None when it does not begin with a score."""
    found = _SCORE.match(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        return None
    comment = found[2].strip()
    return Vote(int(found[1]), comment if any(map(str.isalnum, comment)) else "")


def vote(known: Known, arrival: Arrival, message: Message) -> Vote | None:
    """What this message votes, if it answers a survey that went to its very author."""
    if not arrival.tokens or message.automatic.is_auto or arrival.history:
        return None
    asked = known.given.get(arrival.tokens[0].message_id)
    return read(message.reply_text) if asked and asked.kind == "survey" else None


def is_bare(known: Known, arrival: Arrival, message: Message) -> bool:
    """Whether it is a vote and nothing else: no word that anybody must answer."""
    found = vote(known, arrival, message)
    return found is not None and not found.comment


def tell(found: Vote, arrival: Arrival, case: rows.Case, message_id: int, changes: Changes) -> None:
    """The event of a vote; of several answers to one survey the last counts."""
    event_row(
        changes, "survey.answered", case.conversation_id, instant(arrival.at),
        message_id=message_id, case_id=case.id, survey_id=arrival.tokens[0].message_id,
        score=found.score, comment=storable(found.comment[:_LONGEST]),
    )  # fmt: skip
