"""What is kept apart from the conversations, and how spam gets back among them."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import Parameter

from gateway.api.errors import documented
from gateway.api.parameters import After, Id, Limit
from gateway.api.problem import Impossible
from gateway.api.reads import Reads
from gateway.api.state import Release
from store import apart, shapes, whole

ApartStatus = Annotated[apart.Status, Parameter(description="Which of them.")]


@get(
    "/messages",
    summary="List what is kept apart",
    tags=["messages"],
    responses=documented(),
)
async def list_apart(
    reads: NamedDependency[Reads], status: ApartStatus, after: After = None, limit: Limit = 50
) -> shapes.Apart:
    """Spam, which is in no conversation; and what could not be read, or not yet."""
    return await reads(lambda c: apart.messages(c, status, after=after, limit=limit))


@post(
    "/messages/{message:int}/release",
    summary="Release spam",
    tags=["messages"],
    status_code=200,
    responses=documented(404, 409),
)
async def release_spam(
    reads: NamedDependency[Reads], release: NamedDependency[Release], message: Id
) -> shapes.MessageView:
    """It is none: it is read again and becomes mail like any other, acknowledgement included.

    What is older than `[acknowledge] max_age` becomes history. 409 if it is not spam (any more).
    """
    status = await reads.found(lambda c: apart.status(c, message))
    if status != "spam" or await release(message) is None:
        raise Impossible("This message is not spam.", 409)
    return (await reads.found(lambda c: whole.message(c, message))).message
