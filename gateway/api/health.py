"""Are we alive, are we ready, how are we doing: for whoever watches, without a token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from gateway.api.problems import MEDIA_TYPE, NotReady, Unready
from store.engine import StoreUnavailable
from store.migrate import answers
from store.store import Store

_TEXT = CONTENT_TYPE_LATEST.partition("; charset")[0]  # Litestar adds its own
PATIENCE = 2.0  # seconds that a probe waits for the store


class Readiness(NamedTuple):
    """Whether every configured listener accepts, and what does not: `listener mail`.

    `attention` names channels that are up as far as we are, and hear nothing: `mailbox: silent`.
    """

    ready: bool
    missing: tuple[str, ...] = ()
    attention: tuple[str, ...] = ()


class Health(msgspec.Struct, frozen=True):
    """We are well."""

    status: str


class Ready(Health, frozen=True, omit_defaults=True):
    """We take what comes; `attention` names channels that fetch and have fallen silent."""

    attention: list[str] = []


class Vitals:
    """What the three addresses look at; one question to the store at a time, however many ask."""

    def __init__(
        self, store: Store, ready: Callable[[], Readiness], metrics: CollectorRegistry
    ) -> None:
        self.metrics = metrics
        self._store = store
        self._ready = ready
        self._asking: asyncio.Task[bool] | None = None

    def attention(self) -> list[str]:
        """Channels that somebody should look at, although we are ready."""
        return list(self._ready().attention)

    async def missing(self) -> list[str]:
        """All that is missing before we are ready."""
        readiness = self._ready()
        missing = list(readiness.missing)
        if not readiness.ready and not missing:
            missing.append("start")
        return missing if await self._store_answers() else [*missing, "store"]

    async def _store_answers(self) -> bool:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._ask())
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(self._asking)
        except TimeoutError:
            return False

    async def _ask(self) -> bool:
        try:
            return await self._store.read(answers)
        except StoreUnavailable:
            return False


@get("/healthz", summary="Alive?", tags=["operation"], security=[])
async def healthz() -> Health:
    """200 as long as the process does its work, whatever the store does."""
    return Health("ok")


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
    if missing := await vitals.missing():
        raise Unready(missing)
    return Ready("ready", vitals.attention())


@get(
    "/metrics",
    summary="Metrics",
    tags=["operation"],
    security=[],
    media_type="text/plain",
)
async def metrics(vitals: NamedDependency[Vitals]) -> Response[bytes]:
    """For Prometheus, in its text format."""
    return Response(generate_latest(vitals.metrics), media_type=_TEXT)
