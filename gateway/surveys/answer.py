"""Pure: what a customer answers when asked how we did: a number, and perhaps some words."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.record import event_row, storable
from gateway.surveys.scale import SCALES, Scale, Vote, pressed, read, votes
from normalizer.message import Message
from store import rows
from store.known import Arrival, Changes, Known
from store.rows import instant

_LONGEST: Final = 2000  # characters of a comment in an event; the message has them all


class Answer(NamedTuple):
    """A vote, and the survey that it answers."""

    survey: rows.Survey
    score: int
    comment: str

    @property
    def scale(self) -> Scale:
        return SCALES[self.survey.scale]

    @property
    def is_told(self) -> bool:
        """Whether a person shall know at once: a bad score, or words."""
        return bool(self.comment) or self.score <= self.scale.bad


def asked(known: Known, arrival: Arrival, message: Message) -> rows.Survey | None:
    """The survey that went to this very author and that this message may answer.

    Mail and the page carry its token. A messenger's answer or button names it; a button that names
    none is about the latest in the presser's own conversation, and a number answers that only if it
    was the last that we said.
    """
    if message.automatic.is_auto or arrival.history:
        return None
    if arrival.tokens:
        return known.surveys.get(arrival.tokens[0].message_id)
    person = known.people.get(str(arrival.author.identity))
    if person is None or not (arrival.gap and arrival.author.authenticated):
        return None
    here = [s for s in known.surveys.values() if _conversation(known, s) == person.conversation_id]
    latest = max(here, key=lambda survey: survey.id, default=None)
    held = known.reported.get((arrival.channel, message.in_reply_to))
    named = next((survey for survey in here if held and survey.id == held.id), None)
    if named or votes(message.pressed):
        return named or latest
    is_last_word = latest and known.last_said.get(person.conversation_id) == latest.id
    return latest if is_last_word else None


def _conversation(known: Known, survey: rows.Survey) -> int | None:
    case = known.cases.get(survey.case_id)
    return case.conversation_id if case else None


def answered(known: Known, arrival: Arrival, message: Message) -> Answer | None:
    """What this message votes, as long as its survey is open."""
    found = _answer(known, arrival, message)
    return found if found and instant(arrival.at) <= found.survey.closes_at else None


def is_bare(known: Known, arrival: Arrival, message: Message) -> bool:
    """Whether it is a vote and nothing else, in time or not: no word that anybody must answer."""
    found = _answer(known, arrival, message)
    return found is not None and not found.comment


def _answer(known: Known, arrival: Arrival, message: Message) -> Answer | None:
    survey = asked(known, arrival, message)
    vote = _vote(message, SCALES[survey.scale]) if survey else None
    return Answer(survey, *vote) if survey and vote else None


def _vote(message: Message, scale: Scale) -> Vote | None:
    if not message.pressed:
        return read(message.reply_text, scale)
    score = pressed(message.pressed, scale)
    # The text is the button's label, below which the page puts what was written there.
    comment = message.text.partition("\n")[2].strip()
    return None if score is None else Vote(score, comment)


def tell(answer: Answer, arrival: Arrival, case: rows.Case, message_id: int, changes: Changes) -> None:  # fmt: skip
    """Write a vote down; of several answers to one survey the last counts."""
    at, comment = instant(arrival.at), storable(answer.comment)
    changes.update("surveys", answer.survey.id, score=answer.score, comment=comment, answered_at=at)
    event_row(
        changes, "survey.answered", case.conversation_id, at,
        message_id=message_id, case_id=case.id, survey_id=answer.survey.id,
        scale=answer.survey.scale, score=answer.score, comment=comment[:_LONGEST],
    )  # fmt: skip
