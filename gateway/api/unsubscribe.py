"""The page behind the link below a promotion: looking at it does nothing, its button ends them.

RFC 8058: the mail program's own button posts here without showing the page to anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Final, NamedTuple

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter
from sqlalchemy import Connection

from gateway.api import courtesy, leaf
from gateway.api.leaf import Asker, Choice, Leaf
from gateway.api.reads import PATIENCE, Reads
from gateway.desk.speak import Desk
from gateway.notices.text import UNSUBSCRIBE
from store import consents
from store.consents import Customer, Word
from store.engine import StoreUnavailable
from store.known import Changes
from store.rows import instant
from store.store import Store

Token = Annotated[str, PathParameter(max_length=80)]


class _Said(NamedTuple):
    """What the page says; `{name}` is who sends."""

    ask: str
    what: str
    button: str
    done: str
    kept: str
    absent: str
    cut_off: str


_EN: Final = _Said(
    ask="No more offers from {name}?",
    what="We will still answer you, and write about what you have asked or ordered.",
    button="Stop these messages",
    done="You will get no more offers",
    kept="This holds from now on. We will still answer you, and write about what you have asked or ordered.",
    absent="This link does not work",
    cut_off='It may have been cut off. Please open it again from the message, or reply to the message with the one word "unsubscribe".',
)
_JA: Final = _Said(
    ask="{name}からのご案内を停止しますか",
    what="お問い合わせへのお返事や、ご注文に関するお知らせは、これまでどおりお送りします。",
    button="ご案内を停止する",
    done="ご案内を停止しました",
    kept="ただいまから、ご案内はお送りいたしません。お問い合わせへのお返事や、ご注文に関するお知らせは、これまでどおりお送りします。",
    absent="このリンクはご利用いただけません",
    cut_off="リンクが途中で切れている可能性があります。お手数ですが、メールからもう一度開いていただくか、「配信停止」とだけご返信ください。",
)
_SAID: Final = {"en": _EN, "ja": _JA}


@dataclass(frozen=True, slots=True)
class Leaving:
    """What the page works with; `name` is who sends."""

    reads: Reads
    store: Store
    desk: Desk
    clock: Callable[[], datetime]
    name: str

    async def who(self, token: str) -> tuple[Customer | None, str]:
        """The customer who was given a link, and what they speak as far as we know.

        A link that nobody was given asks the store nothing.
        """
        found = self.desk.keys.check(token, UNSUBSCRIBE)
        if found is None:
            return None, ""
        return await self.reads(partial(_known, identity_id=found.message_id))

    async def leave(self, who: Customer) -> None:
        """Keep their no; said twice it is still one."""
        word = Word(False, "the link in a message", "", instant(self.clock()))

        def plan(connection: Connection, changes: Changes) -> None:
            consents.say(connection, changes, who, word)

        try:
            async with asyncio.timeout(PATIENCE):
                await self.store.change(plan)
        except TimeoutError:
            raise StoreUnavailable("the store takes too long to answer") from None

    def page(self, language: str, heading: str, *said: str, form: str = "") -> Leaf:
        return Leaf(language, self.name, heading.format(name=self.name), said, form)


@get("/u/{token:str}", include_in_schema=False)
async def look(request: Asker, token: Token, leaving: NamedDependency[Leaving]) -> Response[str]:
    """The question; nobody has left by looking, least of all a link scanner."""
    who, language = await leaving.who(token)
    language = _shown(request, language)
    said = _SAID[language]
    if who is None:
        return leaving.page(language, said.absent, said.cut_off).response(404)
    button = leaf.form("", Choice("", said.button))
    return leaving.page(language, said.ask, said.what, form=button).response()


@post("/u/{token:str}", include_in_schema=False, status_code=200)
async def leave(request: Asker, token: Token, leaving: NamedDependency[Leaving]) -> Response[str]:
    """One click, by the page's button or the mail program's own."""
    who, language = await leaving.who(token)
    language = _shown(request, language)
    said = _SAID[language]
    if who is None:
        return leaving.page(language, said.absent, said.cut_off).response(404)
    await leaving.leave(who)
    return leaving.page(language, said.done, said.kept).response()


def _known(connection: Connection, *, identity_id: int) -> tuple[Customer | None, str]:
    who = consents.customer(connection, identity_id=identity_id)
    return who, consents.language(connection, who) if who else ""


def _shown(request: Asker, language: str) -> str:
    """What the customer speaks with us counts before what their browser asks for."""
    return courtesy.shown(language or request.headers.get("accept-language", ""))
