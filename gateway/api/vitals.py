"""Are we alive, are we ready, how are we doing: what whoever watches us is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from prometheus_client import CollectorRegistry, generate_latest

from gateway.api.problem import Unready
from store.engine import StoreUnavailable
from store.migrate import answers
from store.store import Store

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

    status: str = "ok"


class Ready(Health, frozen=True, omit_defaults=True):
    """We take what comes; `attention` names channels that fetch and have fallen silent."""

    attention: list[str] = []


class Vitals:
    """What the three addresses look at; one question to the store at a time, however many ask."""

    def __init__(
        self, store: Store, ready: Callable[[], Readiness], metrics: CollectorRegistry
    ) -> None:
        self._metrics = metrics
        self._store = store
        self._ready = ready
        self._asking: asyncio.Task[bool] | None = None

    async def well(self) -> Ready:
        """We take what comes. Raises Unready, with what is missing."""
        if missing := await self.missing():
            raise Unready(missing)
        return Ready("ready", list(self._ready().attention))

    def measured(self) -> bytes:
        """All that is counted, in the text format of Prometheus."""
        return generate_latest(self._metrics)

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
