"""Conversations, their cases, and the events of all."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency

from gateway.api.errors import documented
from gateway.api.parameters import (
    After,
    ConversationId,
    EventsAfter,
    Id,
    IdentityAddress,
    Limit,
    Order,
    OwedBy,
    Status,
    stored,
)
from gateway.api.reads import Reads
from gateway.record import storable
from store import reading, shapes, watched
from store.shapes_watched import WholeCase, WholeConversation


@get("/conversations", summary="List conversations", tags=["conversations"], responses=documented())
async def list_conversations(
    reads: NamedDependency[Reads],
    after: After = None,
    limit: Limit = 50,
    order: Order = "oldest",
    identity: IdentityAddress = None,
) -> shapes.Conversations:
    """One for each customer, across all channels, with the last message in short."""
    address = None if identity is None else storable(identity)
    return await reads(
        lambda c: reading.conversations(c, after=after, limit=limit, order=order, identity=address)
    )


@get(
    "/conversations/{conversation:int}",
    summary="Read a conversation",
    tags=["conversations"],
    responses=documented(404),
)
async def get_conversation(
    reads: NamedDependency[Reads],
    conversation: Id,
    after: After = None,
    limit: Limit = 50,
) -> WholeConversation:
    """The customer, the newest 100 cases, and the messages in order, a page at a time.

    Where we only watch, `would_have_said` is beside them: nobody was sent it.
    """
    return await reads.found(
        lambda c: watched.conversation(c, conversation, after=after, limit=limit)
    )


@get("/cases", summary="List cases", tags=["cases"], responses=documented())
async def list_cases(
    reads: NamedDependency[Reads],
    after: After = None,
    limit: Limit = 50,
    order: Order = "oldest",
    status: Status = None,
    conversation_id: ConversationId = None,
    owed_by: OwedBy = None,
) -> shapes.Cases:
    """One for each matter."""
    return await reads(
        lambda c: reading.cases(
            c,
            after=after,
            limit=limit,
            order=order,
            status=status,
            conversation_id=conversation_id,
            owed_by=stored(owed_by),
        )
    )


@get("/cases/{case:int}", summary="Read a case", tags=["cases"], responses=documented(404))
async def get_case(
    reads: NamedDependency[Reads],
    case: Id,
    after: After = None,
    limit: Limit = 50,
) -> WholeCase:
    """The case with its participants, its follow-ups and a page of its messages.

    Where we only watch, `would_have_said` is beside them: nobody was sent it.
    """
    return await reads.found(lambda c: watched.one_case(c, case, after=after, limit=limit))


@get("/events", summary="Follow what happens", tags=["events"], responses=documented())
async def list_events(
    reads: NamedDependency[Reads], after: EventsAfter = 0, limit: Limit = 50
) -> shapes.Events:
    """The events behind a cursor, oldest first; none is ever skipped.

    When `next` is null you have seen all: keep the last `cursor` and ask again from there.
    """
    return await reads(lambda c: reading.events(c, after=after, limit=limit))
