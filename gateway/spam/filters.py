"""Asks spam filters about a mail: briefly, and never at the cost of the mail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from gateway.config.spam import Spam
from gateway.metrics import Metrics
from gateway.spam import milter, verdict
from gateway.spam.verdict import NOBODY, Ruling
from normalizer.message import Envelope

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger()

PATIENCE = 2.0  # seconds for one filter's answer; without one, the mail is taken as it is
LARGEST = 2**20  # octets; spam is small, and filters skip large mail by themselves
_REST = 30.0  # seconds that a filter which failed is not asked
_AT_ONCE = 64  # mails that wait for filters; beyond, the next goes unasked
_KEPT = 60.0  # seconds that an answer is kept for who asks again; some mail never does

Ask = Callable[[Envelope, bytes], Awaitable[str]]


class Undecided(Exception):
    """The filters have not answered yet."""


class Filters:
    """The filters by name. What they were asked goes on when its mail stops waiting for it."""

    def __init__(
        self, asks: Mapping[str, Ask], metrics: Metrics, clock: Callable[[], float] = monotonic
    ) -> None:
        self._asks = asks
        self._metrics = metrics
        self._clock = clock
        self._rests: dict[str, float] = {}
        self._asked: dict[tuple[str, str], tuple[asyncio.Task[Ruling], float]] = {}

    async def verdict(
        self, envelope: Envelope, load: Callable[[], Awaitable[bytes]], patience: float | None
    ) -> Ruling:
        """The first filter that calls it spam; nobody's word where none does.

        Raises Undecided when nobody has answered within `patience` seconds; the answer is kept for
        who asks again about the same transport unit. None waits as long as it takes.
        """
        key = (envelope.channel, envelope.unit)
        self._forget_old()
        task = self._asked[key][0] if key in self._asked else self._begin(key, envelope, load)
        if task is None:
            return NOBODY
        await asyncio.wait({task}, timeout=patience)
        if not task.done():
            raise Undecided
        self._asked.pop(key, None)
        return task.result()

    def _begin(
        self, key: tuple[str, str], envelope: Envelope, load: Callable[[], Awaitable[bytes]]
    ) -> asyncio.Task[Ruling] | None:
        awake = [name for name in self._asks if self._rests.get(name, 0) <= self._clock()]
        is_full = len(self._asked) >= _AT_ONCE
        for name in self._asks:
            if is_full or name not in awake:
                self._metrics.checked(name, "skipped")
        if is_full or not awake:
            return None
        task = asyncio.create_task(self._first(awake, envelope, load))
        self._asked[key] = task, self._clock()
        return task

    def _forget_old(self) -> None:
        since = self._clock() - _KEPT
        self._asked = {key: kept for key, kept in self._asked.items() if kept[1] > since}

    async def _first(
        self, names: list[str], envelope: Envelope, load: Callable[[], Awaitable[bytes]]
    ) -> Ruling:
        try:
            raw = await load()
        except OSError:
            return NOBODY  # it is durable, and whoever reads it next will tell
        for name in names:
            if reason := await self._one(name, envelope, raw):
                return Ruling(spam=True, by=name, reason=reason)
        return NOBODY

    async def _one(self, name: str, envelope: Envelope, raw: bytes) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                reason = await self._asks[name](envelope, raw)
        except Exception as error:
            # Whatever a filter does: the mail is ours, and nobody's answer is no word against it.
            self._rests[name] = self._clock() + _REST
            self._metrics.checked(name, "failed")
            log.warning("spam.filter_failed", filter=name, error=type(error).__name__)
            return ""
        self._metrics.checked(name, "spam" if reason else "clean")
        return reason

    async def close(self) -> None:
        """Stop asking."""
        tasks = [task for task, _ in self._asked.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def asks(config: Spam, hostname: str, client: httpx.AsyncClient | None) -> dict[str, Ask]:
    """What is configured; `client` speaks HTTP."""
    found: dict[str, Ask] = {}
    if config.rspamd and client:
        found["rspamd"] = _rspamd(client, config)
    if config.milter:
        found["milter"] = _milter(config, hostname)
    return found


def _rspamd(client: httpx.AsyncClient, config: Spam) -> Ask:
    async def ask(envelope: Envelope, raw: bytes) -> str:
        answer = await client.post(
            f"{config.rspamd}/checkv2", content=raw, headers=_facts(envelope)
        )
        return verdict.by_rspamd(answer.raise_for_status().json(), config.threshold)

    return ask


def _facts(envelope: Envelope) -> list[tuple[bytes, bytes]]:
    """What the wire knew, as rspamd's protocol page names it; several recipients, several lines."""
    wire = envelope.transport
    named = (
        ("IP", wire.peer), ("Helo", wire.helo), ("From", wire.sender.strip("<>")),
        ("User", wire.user), ("Queue-Id", envelope.unit),
        *(("Rcpt", recipient) for recipient in wire.recipients),
    )  # fmt: skip
    return [
        (name.encode(), value.encode()) for name, value in named if value.isprintable() and value
    ]


def _milter(config: Spam, hostname: str) -> Ask:
    assert config.milter

    async def ask(envelope: Envelope, raw: bytes) -> str:
        assert config.milter
        said = await milter.ask(config.milter, hostname, envelope, raw)
        return said.reason or verdict.in_headers(said.added, config.threshold)

    return ask
