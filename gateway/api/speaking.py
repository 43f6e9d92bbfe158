"""What people at the desk say and change: answers, notes, new cases, a case's status."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, patch, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, JSONBody

from gateway.api.gate import ADMITTED
from gateway.api.parameters import Id
from gateway.api.problems import documented
from gateway.api.writes import Asked, Writes
from gateway.desk import acts
from gateway.desk.wanted import Ask, Change, Note, Reply, Start
from store import shapes

MAX_BODY = 32 * 2**20  # octets: the largest attachments as base64, and room for the words

Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key and body again, within a week: the same answer, nothing done twice.",
    ),
]


def asked(request: Request[Any, Any, Any]) -> Asked:
    """Who asks for what; the gate let only those in who showed a token."""
    return Asked(
        f"{request.method} {request.url.path}",
        request.scope["state"][ADMITTED],
        request.headers.get("idempotency-key"),
    )


@post(
    "/cases/{case:int}/reply",
    summary="Answer the customer",
    tags=["cases"],
    responses=documented(404, 409, 413),
)
async def post_reply(
    writes: NamedDependency[Writes],
    asked: NamedDependency[Asked],
    case: Id,
    data: JSONBody[Reply],
    idempotency_key: Key = None,  # noqa: ARG001  `asked` has it; named for the document
) -> shapes.Queued:
    """It goes on the channel and to the address of the customer's last message, in its thread.

    A new case becomes open; another `status` is set if you say so. Follow-ups that wait for an
    answer are cancelled.
    """
    files = await writes.files(data)
    act = acts.reply(writes.desk, case, data, files, writes.who(asked, data))
    return await writes(act, asked, data, shapes.Queued)


@post(
    "/cases/{case:int}/note",
    summary="Leave a note for colleagues",
    tags=["cases"],
    responses=documented(404, 409, 413),
)
async def post_note(
    writes: NamedDependency[Writes],
    asked: NamedDependency[Asked],
    case: Id,
    data: JSONBody[Note],
    idempotency_key: Key = None,  # noqa: ARG001
) -> shapes.Queued:
    """No customer ever sees it."""
    return await writes(acts.note(case, data, writes.who(asked, data)), asked, data, shapes.Queued)


@post(
    "/cases/{case:int}/ask",
    summary="Ask a colleague by mail",
    tags=["cases"],
    responses=documented(404, 409, 413),
)
async def post_ask(
    writes: NamedDependency[Writes],
    asked: NamedDependency[Asked],
    case: Id,
    data: JSONBody[Ask],
    idempotency_key: Key = None,  # noqa: ARG001
) -> shapes.Queued:
    """The answer comes back into the case as a note; the customer hears of neither."""
    act = acts.ask(writes.desk, case, data, writes.who(asked, data))
    return await writes(act, asked, data, shapes.Queued)


@patch(
    "/cases/{case:int}",
    summary="Change a case",
    tags=["cases"],
    responses=documented(404, 409, 413),
)
async def patch_case(
    writes: NamedDependency[Writes],
    asked: NamedDependency[Asked],
    case: Id,
    data: JSONBody[Change],
    idempotency_key: Key = None,  # noqa: ARG001
) -> shapes.Case:
    """What is left out stays as it is; the event `case.changed` tells before and after."""
    return await writes(
        acts.alter(writes.desk, case, data, writes.who(asked, data)), asked, data, shapes.Case
    )


@post("/cases", summary="Open a case", tags=["cases"], responses=documented(409, 413))
async def post_case(
    writes: NamedDependency[Writes],
    asked: NamedDependency[Asked],
    data: JSONBody[Start],
    idempotency_key: Key = None,  # noqa: ARG001
) -> shapes.Started:
    """With `to`, a message to somebody, known or new; without it, what somebody told us: a call."""
    files = await writes.files(data)
    act = acts.start(writes.desk, data, files, writes.who(asked, data))
    return await writes(act, asked, data, shapes.Started)
