"""What waits for a person before it is said (`mode = "approve"`): read it, send it, drop it."""

from __future__ import annotations

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gateway.api.parameters import After, Id, Limit
from gateway.api.problems import documented
from gateway.api.reads import Reads
from gateway.api.speaking import Key
from gateway.api.writes import Asked, Writes
from gateway.desk import acts
from gateway.desk.wanted import Approval, Refusal
from store import drafts, shapes


@get("/drafts", summary="List drafts", tags=["drafts"], responses=documented())
async def list_drafts(
    reads: NamedDependency[Reads],
    writes: NamedDependency[Writes],
    after: After = None,
    limit: Limit = 50,
) -> shapes.Drafts:
    """What would have been said; `outdated` tells of one that its case has overtaken."""
    now = writes.clock()
    return await reads(lambda c: drafts.page(c, now, after=after, limit=limit))


@post(
    "/drafts/{draft:int}/send",
    summary="Send a draft",
    tags=["drafts"],
    status_code=200,
    responses=documented(404, 409),
)
async def send_draft(
    writes: NamedDependency[Writes],
    asked: NamedDependency[Asked],
    draft: Id,
    data: JSONBody[Approval],
    idempotency_key: Key = None,  # noqa: ARG001  `asked` has it; named for the document
) -> shapes.Draft:
    """As it is, or with other words (`text`)."""
    return await writes(
        acts.approve(draft, data, writes.who(asked, data)), asked, data, shapes.Draft
    )


@post(
    "/drafts/{draft:int}/drop",
    summary="Drop a draft",
    tags=["drafts"],
    status_code=200,
    responses=documented(404, 409),
)
async def drop_draft(
    writes: NamedDependency[Writes],
    asked: NamedDependency[Asked],
    draft: Id,
    data: JSONBody[Refusal],
    idempotency_key: Key = None,  # noqa: ARG001
) -> shapes.Draft:
    """It is kept, and never sent."""
    return await writes(
        acts.refuse(draft, data, writes.who(asked, data)), asked, data, shapes.Draft
    )
