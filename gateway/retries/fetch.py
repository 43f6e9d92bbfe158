"""Fetches the files that messages only name: pending part → channel → blob → the part's row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from channels.base import Channel, DeliveryError, Fetches, Rejected, Retry
from normalizer.message import Spooled
from scheduler.backoff import spread_of
from store import pending
from store.engine import StoreUnavailable
from store.known import Raw
from store.pending import Pending
from store.store import Store

log = structlog.get_logger()

_LOOK = 1.0  # seconds between looks
_PAGE = 100  # parts looked at together
_AT_ONCE = 4  # files under way
_PATIENCE = 120.0  # seconds for one file
_FIRST, _LONGEST = timedelta(seconds=5), timedelta(hours=1)  # pauses between tries


class _Wait(NamedTuple):
    """How often a part was tried, and when it is tried again."""

    tries: int
    until: datetime


@dataclass(slots=True)
class Fetch:
    """Every pending part is tried until its channel has it, or says that nobody will."""

    store: Store
    channels: Mapping[str, Channel]
    clock: Callable[[], datetime]
    _waits: dict[int, _Wait] = field(default_factory=dict)

    async def run(self) -> None:
        """Look, until cancelled; without a channel that fetches there is nothing to do."""
        able = {n: c for n, c in self.channels.items() if isinstance(c, Fetches)}
        while True:
            try:
                if able and not self.store.low_on_disk():
                    await self.look(able)
            except StoreUnavailable as error:
                log.warning("fetch.store_down", reason=str(error))
            await asyncio.sleep(_LOOK)

    async def look(self, able: Mapping[str, Fetches]) -> None:
        """Try what is due, a page at a time: what waits keeps nothing else from its turn."""
        after, names = 0, sorted(able)
        while page := await self.store.read(
            lambda c, after=after: pending.pending(c, names, after, _PAGE)  # type: ignore[misc]  # bound now
        ):
            after, now = page[-1].id, self.clock()
            due = [p for p in page if p.id not in self._waits or self._waits[p.id].until <= now]
            for start in range(0, len(due), _AT_ONCE):
                some = due[start : start + _AT_ONCE]
                await asyncio.gather(*(self._fetch(part, able[part.channel]) for part in some))

    async def _fetch(self, part: Pending, channel: Fetches) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await channel.fetch(part.source)
        except Rejected as error:
            log.warning(
                "fetch.unavailable", part_id=part.id, channel=part.channel, reason=str(error)
            )
            await self.store.write(lambda connection, _: pending.unavailable(connection, part))
            self._waits.pop(part.id, None)
        except Exception as error:
            # Also a defect of the channel's: this file waits, and keeps no other from its turn.
            self._put_off(part, error)
        else:
            raw = await self._kept(found)
            await self.store.write(lambda c, changes: pending.fetched(c, changes, part, raw))
            self._waits.pop(part.id, None)

    async def _kept(self, found: bytes | Spooled) -> Raw:
        if isinstance(found, Spooled):
            return await self.store.keep(found)
        return await self.store.put(found)

    def _put_off(self, part: Pending, error: Exception) -> None:
        tries = self._waits[part.id].tries + 1 if part.id in self._waits else 1
        asked = error.after if isinstance(error, Retry) else None
        wait = asked or _pause(tries) * (0.5 + spread_of(part.id, tries) / 2)
        self._waits[part.id] = _Wait(tries, self.clock() + wait)
        why = str(error) if isinstance(error, DeliveryError) else type(error).__name__
        log.warning("fetch.deferred", part_id=part.id, channel=part.channel, reason=why)


def _pause(tries: int) -> timedelta:
    """Pure: after a try that failed, doubled each time."""
    return min(_FIRST * (1 << min(tries - 1, 12)), _LONGEST)
