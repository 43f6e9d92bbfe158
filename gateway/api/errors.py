"""Whatever an address of the API raises, as a problem document, and never as a traceback."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

import structlog
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import ResponseSpec
from litestar.types import ExceptionHandlersMap

from gateway.api.problem import (
    MEDIA_TYPE,
    RETRY_AFTER,
    Absent,
    Impossible,
    Problem,
    Unready,
    not_ready,
    problem,
)
from store.engine import StoreUnavailable

log = structlog.get_logger()

AnyRequest = Request[Any, Any, State]


_DETAILS = {
    404: "There is nothing here. /docs lists every address of this API.",
    405: "This address does not know that method; `Allow` names those that it knows.",
}
_KNOWN = {
    400: "A value cannot be used",
    401: "No valid token came with the request",
    404: "There is no such thing",
    409: "It cannot be done as things are; `detail` says why and what would help",
    413: "The request is too large",
    429: "Too many requests; try again after `Retry-After` seconds",
    503: "The store does not answer at present; try again after `Retry-After` seconds",
}


def answer(what: Problem, headers: Mapping[str, str] | None = None) -> Response[Problem]:
    return Response(
        what, status_code=what.status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def documented(*more: int) -> dict[int, ResponseSpec]:
    """The errors of an operation below /v1, for the OpenAPI document."""
    return {
        status: ResponseSpec(
            Problem,
            media_type=MEDIA_TYPE,
            generate_examples=False,
            description=_KNOWN[status],
        )
        for status in (400, 401, *more, 429, 503)
    }


def download(media_type: str) -> dict[int, ResponseSpec]:
    """Success with bytes, for the OpenAPI document."""
    return {
        200: ResponseSpec(
            bytes, media_type=media_type, generate_examples=False, description="The bytes"
        )
    }


def _expected(_: AnyRequest, error: HTTPException) -> Response[Problem]:
    detail = _DETAILS.get(error.status_code) or error.detail
    return answer(problem(error.status_code, detail), error.headers)


def _absent(_: AnyRequest, error: Absent) -> Response[Problem]:
    return answer(problem(404, str(error)))


def _impossible(_: AnyRequest, error: Impossible) -> Response[Problem]:
    return answer(problem(error.status, str(error)))


def _invalid(_: AnyRequest, error: ValidationException) -> Response[Problem]:
    """Litestar names what it refused one by one; its messages hold types and limits, no values."""
    extra = error.extra if isinstance(error.extra, list) else []
    found = [f"{one.get('key', '')}: {one['message']}" for one in extra if "message" in one]
    return answer(problem(400, "; ".join(found) or "A value of the request cannot be used."))


def _unavailable(_: AnyRequest, error: StoreUnavailable) -> Response[Problem]:
    log.warning("http.unavailable", reason=str(error))
    what = problem(503, "The store does not answer at present. Please try again in a moment.")
    return answer(what, {"Retry-After": str(RETRY_AFTER)})


def _unready(_: AnyRequest, error: Unready) -> Response[Problem]:
    return answer(not_ready(error.missing), {"Retry-After": str(RETRY_AFTER)})


def _unexpected(request: AnyRequest, error: Exception) -> Response[Problem]:
    # Its text may hold what a customer wrote: the log gets its type and the place only.
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
    path = request.scope.get("path_template", "")
    log.error("http.failed", path=path, error=type(error).__name__, where=where)
    return answer(problem(500, "This is a defect of ours; the log names the place."))


HANDLERS: ExceptionHandlersMap = {
    HTTPException: _expected,
    ValidationException: _invalid,
    StoreUnavailable: _unavailable,
    Absent: _absent,
    Impossible: _impossible,
    Unready: _unready,
    Exception: _unexpected,
}
