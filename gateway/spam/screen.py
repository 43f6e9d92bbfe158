"""Holds spam back on the way in: the lists and headers first, then the filters that are configured."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.config import Config
from gateway.metrics import Metrics
from gateway.spam import verdict
from gateway.spam.filters import LARGEST, PATIENCE, Filters, asks
from normalizer.message import Envelope, Spooled


@dataclass(frozen=True, slots=True)
class Screen:
    """Who calls a mail spam, and why."""

    rules: verdict.Rules
    filters: Filters
    metrics: Metrics

    async def __call__(
        self, asked: verdict.Asked, envelope: Envelope, blob: Path, patience: float | None
    ) -> str:
        """By whom and why it is spam, "" if it is not; large bytes are at `blob`.

        Raises Undecided when the filters need more than `patience` seconds.
        """
        ruling = verdict.decide(self.rules, asked)
        if ruling.final:
            self.metrics.checked(ruling.by, "spam" if ruling.spam else "clean")
            return f"{ruling.by}: {ruling.reason}" if ruling.spam else ""
        if asked.history or _size(envelope) > LARGEST:
            return ""
        said = await self.filters.verdict(envelope, partial(_whole, envelope, blob), patience)
        return f"{said.by}: {said.reason}" if said.spam else ""


def _size(envelope: Envelope) -> int:
    raw = envelope.raw
    return raw.size if isinstance(raw, Spooled) else len(raw)


async def _whole(envelope: Envelope, blob: Path) -> bytes:
    raw = envelope.raw
    return raw if isinstance(raw, bytes) else await asyncio.to_thread(blob.read_bytes)


def build(config: Config, hostname: str, metrics: Metrics, stack: AsyncExitStack) -> Screen | None:
    """What the configuration asks for; None if nobody could ever call a mail spam."""
    said = config.spam
    heard = said.block or said.trust_headers or any(s.trusted()[0] for s in config.channels)
    if not (heard or said.rspamd or said.milter):
        return None
    client = None
    if said.rspamd:
        import httpx

        client = httpx.AsyncClient(timeout=PATIENCE, trust_env=False)
        stack.push_async_callback(client.aclose)
    filters = Filters(asks(said, hostname, client), metrics)
    stack.push_async_callback(filters.close)
    rules = verdict.Rules(said.block, said.allow, said.threshold, frozenset(said.trust_headers))
    return Screen(rules, filters, metrics)
