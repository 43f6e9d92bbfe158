"""What people at the desk say and change: answers, notes, new cases, a case's status."""

from __future__ import annotations

from litestar import patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gateway.api.errors import documented
from gateway.api.parameters import Id
from gateway.api.writes import Write
from gateway.desk import acts
from gateway.desk.wanted import Ask, Change, Note, Reply, Start
from store import shapes


@post(
    "/cases/{case:int}/reply",
    summary="Answer the customer",
    tags=["cases"],
    responses=documented(404, 409, 413),
)
async def post_reply(
    write: NamedDependency[Write], case: Id, data: JSONBody[Reply]
) -> shapes.Queued:
    """It goes on the channel and to the address of the customer's last message, in its thread.

    A new case becomes open; another `status` is set if you say so. Follow-ups that wait for an
    answer are cancelled.
    """
    files = await write.files(data)
    act = acts.reply(write.desk, case, data, files, write.who(data))
    return await write(act, data, shapes.Queued)


@post(
    "/cases/{case:int}/note",
    summary="Leave a note for colleagues",
    tags=["cases"],
    responses=documented(404, 409, 413),
)
async def post_note(write: NamedDependency[Write], case: Id, data: JSONBody[Note]) -> shapes.Queued:
    """No customer ever sees it."""
    return await write(acts.note(case, data, write.who(data)), data, shapes.Queued)


@post(
    "/cases/{case:int}/ask",
    summary="Ask a colleague by mail",
    tags=["cases"],
    responses=documented(404, 409, 413),
)
async def post_ask(write: NamedDependency[Write], case: Id, data: JSONBody[Ask]) -> shapes.Queued:
    """The answer comes back into the case as a note; the customer hears of neither."""
    act = acts.ask(write.desk, case, data, write.who(data))
    return await write(act, data, shapes.Queued)


@patch(
    "/cases/{case:int}",
    summary="Change a case",
    tags=["cases"],
    responses=documented(404, 409, 413),
)
async def patch_case(
    write: NamedDependency[Write], case: Id, data: JSONBody[Change]
) -> shapes.Case:
    """What is left out stays as it is; the event `case.changed` tells before and after."""
    return await write(acts.alter(write.desk, case, data, write.who(data)), data, shapes.Case)


@post("/cases", summary="Open a case", tags=["cases"], responses=documented(409, 413))
async def post_case(write: NamedDependency[Write], data: JSONBody[Start]) -> shapes.Started:
    """With `to`, a message to somebody, known or new; without it, what somebody told us: a call."""
    files = await write.files(data)
    act = acts.start(write.desk, data, files, write.who(data))
    return await write(act, data, shapes.Started)
