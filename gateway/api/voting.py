"""The page behind the link of a survey: looking at it does nothing, its button votes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter

from gateway.api import courtesy, leaf
from gateway.api.access import Buckets
from gateway.api.courtesy import Pace, shown
from gateway.api.leaf import Asker, Choice, Leaf
from gateway.api.reads import PATIENCE, Reads
from gateway.desk.speak import Desk
from gateway.surveys import page_vote
from gateway.surveys.asking import LINK
from gateway.surveys.phrases import Phrases, label, phrases
from gateway.surveys.scale import SCALES, Scale, Vote
from gateway.words import own_dates
from store import surveys
from store.engine import StoreUnavailable
from store.rows import moment
from store.store import Store
from store.surveys import Asked

Token = Annotated[str, PathParameter(max_length=80)]


@dataclass(frozen=True, slots=True)
class Voting:
    """What the page works with; `name` is who asks, `committed(channel)` wakes whoever delivers."""

    reads: Reads
    store: Store
    desk: Desk
    clock: Callable[[], datetime]
    name: str
    zone: ZoneInfo
    committed: Callable[[str], None]
    pace: Buckets = field(default_factory=Pace)

    async def asked(self, token: str) -> Asked | None:
        """The survey that a link leads to; a link that nobody was given asks the store nothing."""
        found = self.desk.keys.check(token, LINK)
        if found is None:
            return None
        return await self.reads(lambda connection: surveys.asked(connection, found.message_id))

    def is_closed(self, asked: Asked) -> bool:
        return self.clock() > moment(asked.survey.closes_at)

    async def take(self, asked: Asked, vote: Vote) -> None:
        """Write a vote down, unless it says again what is written."""
        if (asked.survey.score, asked.survey.comment) != vote:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self.store.commit_inbound(page_vote.arrival(asked, vote, self.clock()))
            except TimeoutError:
                raise StoreUnavailable("the store takes too long to answer") from None
            self.committed(asked.channel)

    def until(self, asked: Asked) -> str:
        closes = moment(asked.survey.closes_at).astimezone(self.zone)
        return own_dates(shown(asked.language)).day(closes, self.clock().astimezone(self.zone))


@get("/v/{token:str}", include_in_schema=False)
async def look(request: Asker, token: Token, voting: NamedDependency[Voting]) -> Response[str]:
    """The question; nobody has voted by looking."""
    asked = await voting.asked(token)
    return _unanswerable(request, token, voting, asked) or _question(voting, _known(asked))


@post("/v/{token:str}", include_in_schema=False, status_code=200)
async def answer(request: Asker, token: Token, voting: NamedDependency[Voting]) -> Response[str]:
    """One vote; another one in its place later on is as good."""
    asked = await voting.asked(token)
    if refused := _unanswerable(request, token, voting, asked):
        return refused
    known = _known(asked)
    fields = await leaf.sent(request) or {}
    vote = page_vote.read(fields, SCALES[known.survey.scale])
    if vote is None:
        return _question(voting, known, phrases(known.language).choose, fields, status=400)
    await voting.take(known, vote)
    return _thanks(voting, known, vote)


def _known(asked: Asked | None) -> Asked:
    assert asked is not None
    return asked


def _unanswerable(
    request: Asker, token: str, voting: Voting, asked: Asked | None
) -> Response[str] | None:
    """Why there is nothing to answer; who has no link learns nothing from it."""
    if asked is None:
        return courtesy.absent(request, voting.name)
    if after := voting.pace.take(token):
        return courtesy.busy(asked.language, voting.name, after)
    if voting.is_closed(asked):
        said = phrases(asked.language)
        return _leaf(voting, asked.language, said.closed, said.reply).response(410)
    return None


def _leaf(voting: Voting, language: str, heading: str, *said: str, form: str = "") -> Leaf:
    return Leaf(shown(language), voting.name, heading.format(name=voting.name), said, form)


def _question(
    voting: Voting,
    asked: Asked,
    missing: str = "",
    filled: dict[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    said, scale = phrases(asked.language), SCALES[asked.survey.scale]
    fields = leaf.radios(said.free, "score", _choices(said, scale))
    fields += leaf.words(said.comment, said.hint, "comment", (filled or {}).get("comment", ""))
    form = leaf.form(fields, Choice("", said.send))
    heading = said.asks[scale.name]
    return _leaf(voting, asked.language, heading, missing, form=form).response(status)


def _choices(said: Phrases, scale: Scale) -> list[Choice]:
    """The best first, as the words of the survey name them."""
    return [Choice(str(one), label(said, scale, one)) for one in reversed(scale.scores)]


def _thanks(voting: Voting, asked: Asked, vote: Vote) -> Response[str]:
    said = phrases(asked.language)
    sorry = said.sorry if vote.score <= SCALES[asked.survey.scale].bad else ""
    change = said.change.format(until=voting.until(asked))
    return _leaf(voting, asked.language, said.thanks, sorry, change).response()
