"""The mirror of ingest: outbox → channel → settle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from channels.base import Channel, ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from channels.limits import ANYTHING, Limits
from gateway.metrics import Metrics
from gateway.outgoing.render import render
from normalizer.message import Message
from scheduler.backoff import domain_until, is_hopeless, retry_at, spread_of
from store.astray import DOWN
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
# Taking mail in comes first: a peer that waits for its 250 is worse off than an acknowledgement
# that leaves a moment later. At full load at least 20 leave each time.
_BUSY = 16  # envelopes being taken in, from which on deliveries make room …
_YIELD = 0.04  # … for so many seconds between two turns
_SOON = 0.05  # seconds that deliveries may take before others are claimed beside them
_DOWN_RETRY = timedelta(minutes=5)  # at the latest, a channel that was down is tried again


def _unwatched(_: Delivery, __: Settlement) -> None:
    """Nobody watches how deliveries end."""


@dataclass(slots=True)
class Deliver:
    """Claims what is due, sends it, writes how it ended; `wake(channel)` looks at once.

    `limits` says by channel what one delivery carries; what is longer goes in several. `ended` is
    called with the end of each try.

    A row is `sending` in the store before its peer is touched, so a crash leaves no row of which
    nobody knows whether it was tried.
    """

    store: Store
    channels: Mapping[str, Channel]
    owner: str
    clock: Callable[[], datetime]
    failpoint: Callable[[str], None]
    metrics: Metrics
    limits: Mapping[str, Limits] = field(default_factory=dict)
    ended: Callable[[Delivery, Settlement], None] = _unwatched
    _awake: dict[str, asyncio.Event] = field(default_factory=dict)
    _ours: set[int] = field(default_factory=set)

    def wake(self, channel: str) -> None:
        if channel in self._awake:
            self._awake[channel].set()

    def wake_all(self) -> None:
        for awake in self._awake.values():
            awake.set()

    async def recover(self) -> int:
        """Settle what processes that died were sending; returns how many deliveries.

        Ours are under way also when the clock is set forward, or the machine has slept: taken for
        dead, what a person wrote would go twice.
        """
        return await self.store.recover(self.clock(), "", lambda: frozenset(self._ours))

    async def run(self, name: str) -> None:
        """Deliver for one channel until cancelled; what is under way then is finished first."""
        self._awake[name] = asyncio.Event()
        sending: set[asyncio.Task[Settlement]] = set()
        settled: list[Settlement] = []
        try:
            while True:
                await self._next(name, sending, settled)
        finally:
            if sending or settled:
                await asyncio.shield(self._finish(name, sending, settled))

    async def _next(
        self, name: str, sending: set[asyncio.Task[Settlement]], settled: list[Settlement]
    ) -> None:
        """One turn: settle and claim, then wait until there is something to settle or to claim."""
        self._awake[name].clear()
        if self.metrics.under_way >= _BUSY:
            await asyncio.sleep(_YIELD)
        try:
            await _whole(self._claim(name, sending, settled))
        except StoreUnavailable as error:
            log.warning("delivery.store_down", channel=name, reason=str(error))
            await asyncio.sleep(_STORE_DOWN)
            return
        if sending:
            await self._movement(name, sending)
            settled += _ended(sending)
        else:
            await self._rest(name)

    async def _claim(
        self, name: str, sending: set[asyncio.Task[Settlement]], settled: list[Settlement]
    ) -> None:
        free = max(1, UNDER_WAY // len(self.channels)) - len(sending)
        if not (free or settled):
            return
        self.failpoint("F3")
        limits = self.limits.get(name, ANYTHING)
        taken: set[int] = set()

        def noted(deliveries: Sequence[Delivery]) -> None:
            taken.update(one.id for one in deliveries)
            self._ours.update(taken)

        try:
            claimed = await self.store.settle_and_claim(
                settled, name, self.clock, self.owner, LEASE, free, self.failpoint,
                partial(_rendered, limits=limits), noted, in_order=limits.in_order or limits.parts,
            )  # fmt: skip
        except BaseException:
            self._ours -= taken
            raise
        self._ours -= {one.id for one in settled} - taken
        settled.clear()
        sending.update(asyncio.create_task(self._deliver(delivery)) for delivery in claimed)

    async def _movement(self, name: str, sending: set[asyncio.Task[Settlement]]) -> None:
        """Until a delivery ends; where that takes long, also until there is more to deliver."""
        done, _ = await asyncio.wait(sending, timeout=_SOON, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            woken = asyncio.create_task(self._rest(name))
            await asyncio.wait({*sending, woken}, return_when=asyncio.FIRST_COMPLETED)
            woken.cancel()

    async def _rest(self, name: str) -> None:
        try:
            async with asyncio.timeout(_IDLE):
                await self._awake[name].wait()
        except TimeoutError:
            return

    async def _deliver(self, delivery: Delivery) -> Settlement:
        try:
            async with asyncio.timeout(SEND_LIMIT):
                sent = await self.channels[delivery.channel].send(delivery.content, delivery.key)
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
        self.ended(delivery, settlement)
        return settlement

    async def _finish(
        self, name: str, sending: set[asyncio.Task[Settlement]], settled: list[Settlement]
    ) -> None:
        settled += await asyncio.gather(*sending)
        try:
            if settled:
                await self.store.settle_and_claim(settled, name, self.clock, self.owner, LEASE, 0)
        except StoreUnavailable as error:
            # The rows stay `sending`, and are found as after a crash.
            log.warning("delivery.store_down", channel=name, reason=str(error))
        finally:
            self._ours.difference_update(one.id for one in settled)


async def _whole(work: Coroutine[Any, Any, None]) -> None:
    """Await work to its end, also when we are cancelled meanwhile: a claimed row has to be sent."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(StoreUnavailable):
            await task
        raise


def _rendered(message: Message, limits: Limits) -> tuple[Message, ...]:
    """What our rendering falls over goes as it is: it is claimed with others, and holds up none."""
    try:
        return render(message, limits)
    except Exception:
        log.exception("delivery.not_rendered", message=message.message_id)
        return (message,)


def _ended(sending: set[asyncio.Task[Settlement]]) -> list[Settlement]:
    """Take out the deliveries that have ended."""
    done = {task for task in sending if task.done()}
    sending -= done
    return [task.result() for task in done]


def failed(delivery: Delivery, error: DeliveryError, now: datetime) -> Settlement:
    """Pure: what an unhappy end means for the row."""
    why = str(error)
    if isinstance(error, Rejected):
        dead = error.reason == "address_dead"
        astray = error.reason if error.reason != "content" else ""
        return _settled(
            delivery, "failed", error=why, address_dead=dead, recipient=error.recipient,
            astray=astray,
        )  # fmt: skip
    is_doubt, is_down = isinstance(error, InDoubt), isinstance(error, ChannelDown)
    if is_doubt and delivery.automatic:
        return _settled(delivery, "in_doubt", error=why, doubted=True)
    if is_hopeless(delivery.created_at, now):
        given_up = f"given up after {delivery.attempts} tries: {why}"
        return _settled(delivery, "failed", error=given_up, doubted=is_doubt, astray="undelivered")
    after = error.after if isinstance(error, Retry) else None
    spread = spread_of(delivery.id, delivery.attempts)
    again = now + after if after else retry_at(delivery.attempts, now, spread)
    if is_down:
        again = min(again, now + _DOWN_RETRY)
    waits = isinstance(error, Retry) and error.whole_domain
    until = domain_until(again, now) if waits else None
    return _settled(
        delivery, "deferred", error=why, retry_at=again, domain_until=until, doubted=is_doubt,
        astray=DOWN if is_down else "",
    )  # fmt: skip


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
