"""What waits for a person before it is said (`mode = "approve"`): read it, send it, drop it."""

from __future__ import annotations

from datetime import datetime

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gateway.api.errors import documented
from gateway.api.parameters import After, Id, Limit
from gateway.api.reads import Reads
from gateway.api.writes import Write
from gateway.desk import acts
from gateway.desk.wanted import Approval, Refusal
from store import drafts, shapes


@get("/drafts", summary="List drafts", tags=["drafts"], responses=documented())
async def list_drafts(
    reads: NamedDependency[Reads],
    now: NamedDependency[datetime],
    after: After = None,
    limit: Limit = 50,
) -> shapes.Drafts:
    """What would have been said; `outdated` tells of one that its case has overtaken."""
    return await reads(lambda c: drafts.page(c, now, after=after, limit=limit))


@post(
    "/drafts/{draft:int}/send",
    summary="Send a draft",
    tags=["drafts"],
    status_code=200,
    responses=documented(404, 409),
)
async def send_draft(
    write: NamedDependency[Write], draft: Id, data: JSONBody[Approval]
) -> shapes.Draft:
    """As it is, or with other words (`text`)."""
    return await write(acts.approve(draft, data, write.who(data)), data, shapes.Draft)


@post(
    "/drafts/{draft:int}/drop",
    summary="Drop a draft",
    tags=["drafts"],
    status_code=200,
    responses=documented(404, 409),
)
async def drop_draft(
    write: NamedDependency[Write], draft: Id, data: JSONBody[Refusal]
) -> shapes.Draft:
    """It is kept, and never sent."""
    return await write(acts.refuse(draft, data, write.who(data)), data, shapes.Draft)
