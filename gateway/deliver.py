"""The mirror of ingest: outbox → channel → settle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from channels.base import Channel, ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from gateway.metrics import Metrics
from scheduler.backoff import is_hopeless, retry_at
from store.engine import StoreUnavailable
from store.outbox import Delivery, Settlement, State
from store.store import Store

log = structlog.get_logger()

UNDER_WAY = (
    20  # deliveries that one process tries at a time: at most these are in doubt after a crash
)
SEND_LIMIT = 120.0  # seconds for one delivery
LEASE = timedelta(minutes=5)
_IDLE = 1.0  # seconds between looks at an outbox that had nothing due
_STORE_DOWN = 2.0


@dataclass(slots=True)
class Deliver:
    """Claims what is due, sends it, writes how it ended; `wake(channel)` looks at once.

    A row is `sending` in the store before its peer is touched, so a crash leaves no row of which
    nobody knows whether it was tried.
    """

    store: Store
    channels: Mapping[str, Channel]
    owner: str
    clock: Callable[[], datetime]
    failpoint: Callable[[str], None]
    metrics: Metrics
    _awake: dict[str, asyncio.Event] = field(default_factory=dict)

    def wake(self, channel: str) -> None:
        if channel in self._awake:
            self._awake[channel].set()

    async def run(self, name: str) -> None:
        """Deliver for one channel until cancelled; what is under way then is finished first."""
        self._awake[name] = asyncio.Event()
        sending: set[asyncio.Task[Settlement]] = set()
        settled: list[Settlement] = []
        try:
            while True:
                settled = await self._next(name, sending, settled)
        finally:
            if sending or settled:
                await asyncio.shield(self._finish(name, sending, settled))

    async def _next(
        self, name: str, sending: set[asyncio.Task[Settlement]], settled: list[Settlement]
    ) -> list[Settlement]:
        """One turn: settle and claim, then wait until there is something to settle or to claim."""
        self._awake[name].clear()
        free = max(1, UNDER_WAY // len(self.channels)) - len(sending)
        try:
            claimed = await self._claim(name, settled, free)
        except StoreUnavailable as error:
            log.warning("delivery.store_down", channel=name, reason=str(error))
            await asyncio.sleep(_STORE_DOWN)
            return settled
        sending.update(asyncio.create_task(self._deliver(delivery)) for delivery in claimed)
        if sending:
            done, _ = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
            sending -= done
            return [task.result() for task in done]
        await self._rest(name)
        return []

    async def _claim(self, name: str, settled: list[Settlement], free: int) -> list[Delivery]:
        self.failpoint("F3")
        return await self.store.settle_and_claim(
            settled, name, self.clock, self.owner, LEASE, free, self.failpoint
        )

    async def _rest(self, name: str) -> None:
        try:
            async with asyncio.timeout(_IDLE):
                await self._awake[name].wait()
        except TimeoutError:
            return

    async def _deliver(self, delivery: Delivery) -> Settlement:
        try:
            async with asyncio.timeout(SEND_LIMIT):
                sent = await self.channels[delivery.channel].send(
                    delivery.content, delivery.content.message_id
                )
        except DeliveryError as error:
            settlement = failed(delivery, error, self.clock())
        except TimeoutError:
            settlement = failed(delivery, InDoubt(f"no end after {SEND_LIMIT:.0f} s"), self.clock())
        except Exception as error:
            # Ours is the fault, and the peer may have been touched: that is what in doubt means.
            log.exception("delivery.defect", message_id=delivery.message)
            settlement = failed(delivery, InDoubt(type(error).__name__), self.clock())
        else:
            settlement = _settled(delivery, peer_id=sent.peer_id)
        self.failpoint("F6")
        self.metrics.delivered(settlement.channel, settlement.state)
        _log(settlement)
        return settlement

    async def _finish(
        self, name: str, sending: set[asyncio.Task[Settlement]], settled: list[Settlement]
    ) -> None:
        ended = settled + list(await asyncio.gather(*sending))
        if ended:
            await self._claim(name, ended, 0)


def failed(delivery: Delivery, error: DeliveryError, now: datetime) -> Settlement:
    """Pure: what an unhappy end means for the row."""
    why = str(error)
    if isinstance(error, Rejected):
        dead = error.reason == "address_dead"
        return _settled(delivery, "failed", error=why, address_dead=dead)
    if isinstance(error, InDoubt) and delivery.automatic:
        return _settled(delivery, "in_doubt", error=why)
    if is_hopeless(delivery.attempts):
        return _settled(
            delivery, "failed", error=f"given up after {delivery.attempts} tries: {why}"
        )
    after = error.after if isinstance(error, Retry) else None
    again = now + after if after else retry_at(delivery.attempts, now)
    if isinstance(error, ChannelDown):
        again = min(again, now + timedelta(minutes=5))
    return _settled(delivery, "deferred", error=why, retry_at=again)


def _settled(delivery: Delivery, state: State = "sent", **more: Any) -> Settlement:
    return Settlement(
        delivery.id,
        delivery.message,
        delivery.conversation,
        delivery.channel,
        state,
        delivery.attempts,
        **more,
    )


def _log(settlement: Settlement) -> None:
    fields = {"message_id": settlement.message, "channel": settlement.channel}
    if settlement.state == "sent":
        log.info("delivery.sent", **fields)
    else:
        event = f"delivery.{settlement.state}"
        log.warning(event, **fields, reason=settlement.error)
