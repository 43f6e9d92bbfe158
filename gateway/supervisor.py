"""The daemon: starts its parts, keeps them running, stops them in order."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog

from channels.base import Webhook
from gateway.alarm import Alarm, Alarms
from gateway.api import bearer, server
from gateway.api.app import ApiState, Door
from gateway.assembly import Parts, assemble, now
from gateway.config import Config
from gateway.config.types import Endpoint
from gateway.desk.speak import Desk
from gateway.outgoing.crowd import remember
from gateway.retries.fetch import Fetch
from gateway.retries.second_look import SecondLook
from gateway.rules import admin, desk, faq, handing, posts, replies
from gateway.watch.logins import Logins
from gateway.watch.month import Months
from gateway.watch.room import Room
from scheduler.calendar import is_open
from store import store as stores
from store.engine import StoreUnavailable

log = structlog.get_logger()
T = TypeVar("T")

_RESTART_AFTER = 2.0  # seconds before a part that fell is started again; doubled up to …
_RESTART_AT_MOST = 60.0
_STEADY = 600.0  # seconds that a part runs until falling is no habit of it any more
_STORE_AT_MOST = 8.0  # the longest pause between looks for a store that did not answer
_LEASES = 60.0  # seconds between looks for rows that another, dead process was sending
_DRAIN = 12.0  # seconds that a stop waits for what is under way, once each for ways in and out


async def prepare(config: Config, failpoint: Callable[[str], None]) -> None:
    """Bring the store up to date; a server that does not answer yet is waited for."""
    changed = await _patiently(
        lambda: asyncio.to_thread(stores.prepare, config.store.dsn, failpoint)
    )
    log.info("store.ready", migrated=changed)


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    """What the work gives, once the store answers."""
    wait = _RESTART_AFTER
    while True:
        try:
            return await work()
        except StoreUnavailable as error:
            log.warning("store.waiting", reason=str(error))
            await asyncio.sleep(wait)
            wait = min(wait * 2, _STORE_AT_MOST)


async def run(config: Config, failpoint: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = _stop_signal()
    async with AsyncExitStack() as stack:
        if lock := stores.lock_for_daemon(config.store.dsn):
            stack.callback(lock.release)
        if not await _unless(stop, prepare(config, failpoint)):
            return
        # Before anything else: a port that is taken ends the start with a word about it.
        sockets = await _bind(*config.http.listen)
        parts = await assemble(config, failpoint, stack)
        if left := parts.store.blobs.clear_spool():
            log.info("spool.cleared", files=left)
        door = Door(_state(parts))
        if await _unless(stop, _begin(parts, door)):
            _spare_the_collector()
            await _serve(parts, door, sockets, stop)
    log.info("daemon.stopped")


async def _begin(parts: Parts, door: Door) -> None:
    """All that is waited for, at once: the readers, the DNS, and the store's first writes."""
    resolver = parts.ingest.resolver
    dns = [resolver.start()] if resolver else []
    await asyncio.gather(parts.readers.greeted(), _first_writes(parts), door.prepare(), *dns)


async def _first_writes(parts: Parts) -> None:
    """What a dead process was sending, and the token of a first start."""
    data_dir = parts.config.gateway.data_dir
    _doubt(parts, await _patiently(lambda: parts.store.recover(now(), parts.deliver.owner)))
    await _patiently(lambda: remember(parts.rules.crowd, parts.store, now()))
    made = await _patiently(lambda: bearer.first(parts.store, data_dir, now()))
    if made:
        print(f"API token {made}", flush=True)  # noqa: T201  once, and not into the log


async def _bind(host: str, port: int) -> list[socket.socket]:
    try:
        return await server.bind(host, port)
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def _spare_the_collector() -> None:
    """What is here now stays; and what mails leave behind is nearly all freed by counting."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    gc.enable()


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    return stop


async def _unless(stop: asyncio.Event, work: Awaitable[None]) -> bool:
    """Whether the work ended before somebody asked to stop."""
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        task.result()
        return True
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return False


def _state(parts: Parts) -> ApiState:
    """What the HTTP side works with."""
    return ApiState(
        parts.store,
        parts.readiness,
        parts.metrics.registry,
        parts.config.gateway.name,
        _desk(parts),
        now,
        parts.deliver.wake,
        parts.backlog.release,
        {name: c for name, c in parts.channels.items() if isinstance(c, Webhook)},
        ZoneInfo(parts.config.gateway.timezone),
        faq(parts.config),
        parts.metrics.customers.helped,
        parts.config.http.trusted_proxies,
        parts.announcing,
        parts.config.gateway.language,
        parts.absences,
    )


async def _serve(
    parts: Parts, door: Door, sockets: list[socket.socket], stop: asyncio.Event
) -> None:
    """Ways in first to start and first to stop; what they took in still goes out."""
    start = partial(_start, parts.rules.alarms)
    inner = [
        start("http", lambda: _answer(door, parts.config.http.listen, sockets)),
        start("backlog", parts.backlog.run),
        start("second_look", SecondLook(parts.backlog, now).run),
        start("clock", parts.clock.run),
        start("promises", parts.learning.run),
        start("notices", parts.notices.run),
        start("leases", lambda: _watch_leases(parts)),
        start("watch", parts.watch.run),
        start("fetch", Fetch(parts.store, parts.channels, now).run),
        *(
            start(f"canary.{name}", partial(canaries.run, name))
            for canaries in filter(None, [parts.ingest.canaries])
            for name in canaries.wanted
        ),
        *([start("reroute", parts.reroute.run)] if parts.config.fallback.enabled else []),
        start("months", Months(parts.channels, parts.rules.alarms, now, parts.metrics).run),
        start("logins", Logins(parts.channels, parts.rules.alarms, now, parts.metrics).run),
        start("alarms", partial(parts.rules.alarms.run, parts.store, parts.metrics)),
        start("room", Room(parts.store, parts.rules.alarms, now).run),
        *(start(name, work) for name, work in _admin(parts)),
        *(start(f"deliver.{name}", partial(parts.deliver.run, name)) for name in parts.channels),
    ]
    outer = [
        start(f"channel.{name}", partial(channel.receive, parts.ingest.accept))
        for name, channel in parts.channels.items()
    ]
    log.info("daemon.started", channels=list(parts.channels))
    # Public holidays take a third of a second to find out: nobody waits for them at the start, and
    # the first customer shall not either.
    asyncio.get_running_loop().run_in_executor(None, is_open, parts.config.calendar_(), now())
    await stop.wait()
    log.info("daemon.stopping")
    await _cancel(outer)
    await _cancel(inner)


def _admin(parts: Parts) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """Who takes alarms to a person."""
    if letters := admin(parts.config, parts.ingest.keys):
        yield "letters", partial(letters.run, parts.store, now)
    if told := posts(parts.config, now):
        parts.rules.alarms.post = told
        yield "posts", told.run


def _desk(parts: Parts) -> Desk:
    """From where people speak over HTTP, with what they have saved."""
    spoken = desk(parts.config, parts.ingest.keys)
    name = parts.config.gateway.name
    hands = handing(parts.config, parts.rules)
    return replace(spoken, replies=replies(parts.config), name=name, handing=hands)


async def _answer(door: Door, listen: Endpoint, bound: list[socket.socket]) -> None:
    """Serve on the sockets of the start; after a fall, which closes them, on new ones."""
    sockets = bound[:] or await server.bind(*listen)
    bound.clear()
    await server.serve_on(door, sockets, asyncio.Event())


def _start(alarms: Alarms, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    return asyncio.create_task(_keep_running(alarms, name, work), name=name)


async def _keep_running(alarms: Alarms, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """One part falling is no reason for the others to: it is told, and started again."""
    wait = 0.0
    while True:
        began = monotonic()
        try:
            await work()
        except Exception as error:
            log.exception("part.fell", part=name, error=type(error).__name__)
            why = f"the part {name} ended with {type(error).__name__}, and is started again"
            alarms.raise_(Alarm("part.fell", why, now(), {"part": name}))
        wait = _pause(wait, monotonic() - began)
        await asyncio.sleep(wait)


def _pause(last: float, ran: float) -> float:
    """Seconds until a part is started again: more each time, and few after it ran well for long."""
    doubled = 0.0 if ran >= _STEADY else last * 2
    return min(max(doubled, _RESTART_AFTER), _RESTART_AT_MOST)


async def _watch_leases(parts: Parts) -> None:
    while True:
        await asyncio.sleep(_LEASES)
        _doubt(parts, await _patiently(parts.deliver.recover))


def _doubt(parts: Parts, count: int) -> None:
    """Nobody knows whether these arrived."""
    if count:
        why = f"{count} messages were being sent when a process ended; they may or may not be there"
        parts.rules.alarms.raise_(Alarm("delivery.in_doubt", why, now(), {}))


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_DRAIN)
