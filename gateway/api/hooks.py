"""What others call: `/in/NAME` and below, handed to the channel of that name."""

from __future__ import annotations

from typing import Annotated

from litestar import Request, Response, route
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import PathParameter

from channels import base
from channels.base import Unavailable
from gateway.api.state import Hooks


class TooLarge(HTTPException):
    """The body is larger than this channel takes."""

    status_code = 413


class NotNow(HTTPException):
    """The message could not be stored at present; please send it again."""

    status_code = 503


@route(
    ["/in/{channel:str}", "/in/{channel:str}/{rest:path}"],
    http_method=[HttpMethod.GET, HttpMethod.POST, HttpMethod.OPTIONS],
    include_in_schema=False,
)
async def hook(
    channel: Annotated[str, PathParameter()],
    request: Request[None, None, State],
    hooks: NamedDependency[Hooks],
    rest: Annotated[str, PathParameter()] = "",
) -> Response[bytes]:
    """One request to a channel; the platform comes again after a 503."""
    called = hooks.get(channel)
    if called is None:
        raise NotFoundException(detail="There is no such channel.")
    body = await _body(request, called.most)
    try:
        answer = await called.answer(_request(request, rest, body))
    except Unavailable as error:
        raise NotNow(detail=str(NotNow.__doc__)) from error
    return Response(
        answer.body,
        status_code=answer.status,
        headers=dict(answer.headers),
        media_type=dict(answer.headers).get("Content-Type", "text/plain"),
    )


async def _body(request: Request[None, None, State], most: int) -> bytes:
    """All of it, or as much as shows that it is too much."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > most:
            raise TooLarge(detail=str(TooLarge.__doc__))
    return bytes(read)


def _request(request: Request[None, None, State], rest: str, body: bytes) -> base.Request:
    return base.Request(
        method=str(request.method),
        path=rest,
        query=request.scope["query_string"].decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        # As the gate found it: X-Forwarded-For is whatever anybody writes into it.
        peer=request.client.host if request.client else "",
    )
