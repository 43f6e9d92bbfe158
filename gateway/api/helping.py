"""The page on which a customer says that a page of ours helped: looking at it does nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter

from gateway.api import courtesy, leaf
from gateway.api.access import Buckets
from gateway.api.courtesy import Pace, shown
from gateway.api.leaf import Asker, Choice, Leaf
from gateway.api.reads import PATIENCE, Reads
from gateway.desk.speak import Desk
from gateway.faq import helped
from gateway.faq.entries import Entry
from gateway.faq.phrases import PHRASES
from gateway.faq.suggest import LINK, named
from store import suggested
from store.engine import StoreUnavailable
from store.store import Store
from store.suggested import Suggested

Token = Annotated[str, PathParameter(max_length=80)]


@dataclass(frozen=True, slots=True)
class Helping:
    """What the page works with; `entries` are those of the folder by name, `counted` counts answers."""

    reads: Reads
    store: Store
    desk: Desk
    clock: Callable[[], datetime]
    name: str
    entries: Mapping[str, Entry]
    counted: Callable[[bool], None]
    pace: Buckets = field(default_factory=Pace)

    async def found(self, token: str) -> Suggested | None:
        """The acknowledgement that a link stands in."""
        known = self.desk.keys.check(token, LINK)
        if known is None:
            return None
        return await self.reads(
            lambda connection: suggested.suggested(connection, known.message_id)
        )

    async def answer(self, id_: int, *, is_settled: bool) -> None:
        act = helped.answer(id_, self.clock(), helped=is_settled)
        try:
            async with asyncio.timeout(PATIENCE):
                changed = await self.store.change(act)
        except TimeoutError:
            raise StoreUnavailable("the store takes too long to answer") from None
        if changed:
            self.counted(is_settled)


@get("/h/{token:str}", include_in_schema=False)
async def ask(request: Asker, token: Token, helping: NamedDependency[Helping]) -> Response[str]:
    """The question, and the pages once more."""
    found = await helping.found(token)
    return _refused(request, token, helping, found) or _question(helping, found)


@post("/h/{token:str}", include_in_schema=False, status_code=200)
async def tell(request: Asker, token: Token, helping: NamedDependency[Helping]) -> Response[str]:
    """One of the two buttons."""
    found = await helping.found(token)
    if refused := _refused(request, token, helping, found):
        return refused
    choice = (await leaf.sent(request) or {}).get("choice", "")
    if found is None or choice not in ("yes", "no"):
        return _question(helping, found, 400)
    await helping.answer(found.id, is_settled=choice == "yes")
    said = PHRASES[shown(found.language)]
    heading, below = (said.glad, said.still_there) if choice == "yes" else (said.noted, said.reply)
    return Leaf(shown(found.language), helping.name, heading, (below,)).response()


def _refused(
    request: Asker, token: str, helping: Helping, found: Suggested | None
) -> Response[str] | None:
    if found is None:
        return courtesy.absent(request, helping.name)
    after = helping.pace.take(token)
    return courtesy.busy(found.language, helping.name, after) if after else None


def _question(helping: Helping, found: Suggested | None, status: int = 200) -> Response[str]:
    assert found is not None
    said = PHRASES[shown(found.language)]
    known = (helping.entries.get(name) for name in named(found.decisions))
    links = leaf.links((one.title, one.url) for one in known if one)
    form = leaf.form("", Choice("yes", said.yes), Choice("no", said.no))
    page = Leaf(shown(found.language), helping.name, said.asks, (said.waits,), links + form)
    return page.response(status)
