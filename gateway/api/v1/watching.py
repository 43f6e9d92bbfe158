"""What would have been said where we only watch (`mode = "watch"`): as a list, and as a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import Parameter

from gateway.api import courtesy, unsaid
from gateway.api.errors import documented
from gateway.api.leaf import Asker
from gateway.api.parameters import MAX_ID, After, Limit, Order
from gateway.api.reads import Reads
from store import shapes_watched as shapes
from store import watched
from store.watched import Filter

_PAGE = 20  # of them on one page

Channel = Annotated[str, Parameter(max_length=100, description="Only those of this channel.")]
CaseId = Annotated[int | None, Parameter(ge=1, le=MAX_ID, description="Only those of this case.")]
Kind = Annotated[
    Literal["", "acknowledgement", "follow_up", "notice", "survey"],
    Parameter(description="Only those of this kind."),
]
Language = Annotated[Literal["", "en", "ja"], Parameter(description="Whose words are around them.")]


@dataclass(frozen=True, slots=True)
class Watching:
    """What the page works with; `name` is whom customers are talking to, `language` ours."""

    reads: Reads
    clock: Callable[[], datetime]
    name: str
    zone: ZoneInfo
    language: str


@get("/watched", summary="List what would have been said", tags=["drafts"], responses=documented())
async def list_watched(
    reads: NamedDependency[Reads],
    after: After = None,
    limit: Limit = 50,
    order: Order = "oldest",
    channel: Channel = "",
    kind: Kind = "",
    case_id: CaseId = None,
) -> shapes.WatchedPage:
    """Words that nobody was sent, and never will be, where `mode` is `watch`."""
    wanted = Filter(channel, kind, case_id)
    return await reads(lambda c: watched.page(c, wanted, after=after, limit=limit, order=order))


@get("/watched", include_in_schema=False)
async def show_watched(
    request: Asker,
    watching: NamedDependency[Watching],
    after: After = None,
    channel: Channel = "",
    kind: Kind = "",
    language: Language = "",
) -> Response[str]:
    """The same for people, the newest first, beside what the customer wrote."""
    wanted, now = Filter(channel, kind), watching.clock()
    items, next_ = await watching.reads(
        lambda c: watched.beside(c, wanted, after=after, limit=_PAGE)
    )
    counted = await watching.reads(lambda c: watched.tally(c, now))
    spoken = language or _spoken(request, watching.language)
    shown = unsaid.Shown(
        watching.name, spoken, watching.zone, wanted, counted, items, next_, now, language
    )
    return Response(
        unsaid.html(shown),
        media_type="text/html",
        headers={"Content-Security-Policy": unsaid.POLICY, "X-Robots-Tag": "noindex, nofollow"},
    )


def _spoken(request: Asker, ours: str) -> str:
    """What the browser asks for first, if it is a language of ours; else the gateway's."""
    asked = request.headers.get("accept-language", "").strip().lower()[:2]
    return courtesy.shown(asked if asked in ("en", "ja") else ours)
