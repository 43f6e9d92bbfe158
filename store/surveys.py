"""What was asked, and how it was answered: one row for each survey, under the id of its message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from store import rows, schema, shapes_words
from store.known import Arrival, Known

_s, _m, _i = schema.surveys.c, schema.messages.c, schema.identities.c
_o = schema.outbox.c


class Asked(NamedTuple):
    """A survey as its page needs it: what was asked, of whom, in which language."""

    survey: rows.Survey
    channel: str
    language: str
    subject: str
    address: str
    name: str


def asked(connection: Connection, id_: int) -> Asked | None:
    """The survey that this message of ours asks; None when it asks none, or nobody we know."""
    query = (
        select(schema.surveys, _m.channel, _m.language, _m.subject, _i.address, _i.name)
        .join(schema.messages, _m.id == _s.id)
        .join(schema.identities, _i.id == _m.identity_id)
        .where(_s.id == id_)
    )
    row = connection.execute(query).first()
    return Asked(rows.Survey(*row[:-5]), *row[-5:]) if row else None


def load_surveys(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    """The surveys that these arrivals may answer: those that tokens name, or of the conversation."""
    ids = {id_ for id_, given in known.given.items() if given.kind == "survey"}
    here = set(_may_vote(arrivals, known))
    if ids:
        _load(connection, select(schema.surveys).where(_s.id.in_(sorted(ids))), known)
    if here:
        _load(connection, _of(here), known)
        _load_last(connection, here, known)


def _may_vote(arrivals: Sequence[Arrival], known: Known) -> Iterable[int]:
    """Conversations of messengers, where a press or a short word that begins with a number came."""
    for arrival in arrivals:
        message, person = arrival.message, known.people.get(str(arrival.author.identity))
        if arrival.gap and message and person and _begins_with_a_number(message.text):
            yield person.conversation_id


def _begins_with_a_number(text: str) -> bool:
    return text.lstrip()[:1].isdigit()


def _of(conversations: set[int]) -> Select[Any]:
    query = select(schema.surveys).join(schema.cases, schema.cases.c.id == _s.case_id)
    return query.where(schema.cases.c.conversation_id.in_(sorted(conversations)))


def _load(connection: Connection, query: Select[Any], known: Known) -> None:
    for row in connection.execute(query):
        known.surveys[row.id] = rows.Survey(*row)


def _load_last(connection: Connection, here: set[int], known: Known) -> None:
    """Our last word in each of these conversations: an answer without a press is one to that."""
    query = (
        select(_m.conversation_id, func.max(_m.id))
        .where(_m.conversation_id.in_(sorted(here)), _m.direction == "out", _m.kind != "note")
        .group_by(_m.conversation_id)
    )
    known.last_said.update({row[0]: row[1] for row in connection.execute(query)})


def counts(connection: Connection, since: str | None = None) -> shapes_words.Surveys:
    """How often each scale was asked and answered, and with which scores."""
    query = select(_s.scale, _s.score, func.count()).group_by(_s.scale, _s.score)
    if since is not None:
        query = query.where(_s.asked_at >= since)
    found: dict[str, dict[int | None, int]] = {}
    for scale, score, count in connection.execute(query.order_by(_s.scale, _s.score)):
        found.setdefault(scale, {})[score] = count
    return shapes_words.Surveys(items=[_counted(scale, scores) for scale, scores in found.items()])


def _counted(scale: str, scores: dict[int | None, int]) -> shapes_words.SurveyCount:
    given = {score: n for score, n in scores.items() if score is not None}
    answered = sum(given.values())
    average = sum(score * n for score, n in given.items()) / answered if answered else None
    return shapes_words.SurveyCount(
        scale=scale,
        asked=answered + scores.get(None, 0),
        answered=answered,
        scores={str(score): n for score, n in given.items()},
        average=round(average, 2) if average is not None else None,
    )
