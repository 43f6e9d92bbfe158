"""What shall happen by itself: the follow-ups that wait, put off or called off by people."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import get, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter

from gateway.api.errors import documented
from gateway.api.parameters import MAX_ID, After, Id, Limit
from gateway.api.reads import Reads
from gateway.api.writes import Write
from gateway.desk import acts
from gateway.desk.wanted import Defer
from store import due, shapes

FollowUpStatus = Annotated[
    Literal["pending", "fired", "cancelled", "skipped", "missed"] | None,
    Parameter(description="Only follow-ups that are so."),
]
CaseId = Annotated[int | None, Parameter(ge=1, le=MAX_ID, description="Only those of this case.")]


@get("/follow_ups", summary="List follow-ups", tags=["follow-ups"], responses=documented())
async def list_follow_ups(
    reads: NamedDependency[Reads],
    after: After = None,
    limit: Limit = 50,
    status: FollowUpStatus = None,
    case_id: CaseId = None,
) -> shapes.FollowUps:
    """What shall happen, has happened, or need not happen any more, each with its reason."""
    return await reads(
        lambda c: due.page(c, after=after, limit=limit, state=status, case_id=case_id)
    )


@patch(
    "/follow_ups/{follow_up:int}",
    summary="Put a follow-up off, or call it off",
    tags=["follow-ups"],
    responses=documented(404, 409),
)
async def patch_follow_up(
    write: NamedDependency[Write], follow_up: Id, data: JSONBody[Defer]
) -> shapes.FollowUp:
    """One that has fired or was cancelled stays as it is (409)."""
    return await write(acts.defer(follow_up, data, write.who(data)), data, shapes.FollowUp)
