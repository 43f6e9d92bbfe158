"""The addresses of whoever watches us, as the API describes them; [app.py](app.py) answers GET."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from prometheus_client import CONTENT_TYPE_LATEST

from gateway.api.problem import MEDIA_TYPE, NotReady
from gateway.api.vitals import Health, Ready, Vitals

_TEXT = CONTENT_TYPE_LATEST.partition("; charset")[0]  # Litestar adds its own


@get("/healthz", summary="Alive?", tags=["operation"], security=[])
async def healthz() -> Health:
    """200 as long as the process does its work, whatever the store does."""
    return Health()


@get(
    "/readyz",
    summary="Ready?",
    tags=["operation"],
    security=[],
    responses={
        503: ResponseSpec(
            NotReady,
            media_type=MEDIA_TYPE,
            generate_examples=False,
            description="`missing` names what is not ready",
        )
    },
)
async def readyz(vitals: NamedDependency[Vitals]) -> Ready:
    """200 once every configured listener accepts and the store answers.

    A channel that fetches counts until its first contact; one that falls silent later is named.
    """
    return await vitals.well()


@get(
    "/metrics",
    summary="Metrics",
    tags=["operation"],
    security=[],
    media_type="text/plain",
)
async def metrics(vitals: NamedDependency[Vitals]) -> Response[bytes]:
    """For Prometheus, in its text format."""
    return Response(vitals.measured(), media_type=_TEXT)
