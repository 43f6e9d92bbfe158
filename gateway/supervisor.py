"""The daemon: builds everything from the configuration, keeps it running, stops it in order."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog
from litestar.types import ASGIApp

from channels import load
from channels.base import Channel, Closed, Host, Settings, Webhook
from gateway import access, canary, resolver, screen, secrets
from gateway.acknowledge import Limits
from gateway.admit import Admission
from gateway.alarm import Alarm
from gateway.answer import Writer
from gateway.api import server
from gateway.api.app import ApiState, Readiness, build
from gateway.authenticate import Keys
from gateway.backlog import Backlog
from gateway.colleagues import Colleagues
from gateway.config import Config
from gateway.config_types import Endpoint
from gateway.crowd import Crowd, remember
from gateway.deliver import Deliver
from gateway.echo import marks
from gateway.fire import Firing
from gateway.follow import Follow
from gateway.ingest import Ingest
from gateway.logins import Logins, attention
from gateway.metrics import Metrics
from gateway.readers import Readers
from gateway.second_look import SecondLook
from gateway.speak import Desk
from gateway.staffing import notify, people, staff
from gateway.trust import Trust
from gateway.watch import Watch, watching
from gateway.words import Words
from normalizer.message import Identity
from scheduler.clock import Clock
from store import store as stores
from store.engine import StoreUnavailable
from store.past import Past
from store.store import Store

log = structlog.get_logger()
T = TypeVar("T")

WORKERS = 2
_RESTART_AFTER = 2.0  # seconds before a part that fell is started again; doubled up to …
_RESTART_AT_MOST = 60.0
_STORE_AT_MOST = 8.0  # the longest pause between looks for a store that did not answer
_LEASES = 60.0  # seconds between looks for rows that another, dead process was sending
_DRAIN = 12.0  # seconds that a stop waits for what is under way, once each for ways in and out


def now() -> datetime:
    return datetime.now(UTC)


def admission(config: Config, keys: Keys) -> Admission:
    """The rules, with everything that the configuration says to them."""
    channels = {settings.name: settings for settings in config.channels}
    limits = Limits(**config.acknowledge.limits.model_dump())
    modes = {settings.name: config.mode_of(settings) for settings in config.channels}
    writer = _writer(config, channels, keys)
    return Admission(
        own=own(config),
        enabled=config.acknowledge.enabled,
        to_blind_copies=config.acknowledge.bcc,
        limits=limits,
        write_acknowledgement=writer,
        check=keys.check,
        watching=frozenset(name for name, mode in modes.items() if mode == "watch"),
        drafting=frozenset(name for name, mode in modes.items() if mode == "approve"),
        follow=Follow(config.rules(), config.calendar_()) if config.follow_up else None,
        crowd=Crowd(limits.same_words_week, limits.similar_week, limits.newcomers_domain_hour),
        marks=marks(writer.words),
        colleagues=Colleagues(desk(config, keys), people(config)),
        notify=notify(config, channels, keys),
    )


def desk(config: Config, keys: Keys) -> Desk:
    """From where people speak."""
    follow = Follow(config.rules(), config.calendar_())
    return Desk(
        {settings.name: settings for settings in config.channels}, own(config), keys, follow,
        {one.name.lower(): one.address.lower() for one in config.staff},
    )  # fmt: skip


def own(config: Config) -> frozenset[Identity]:
    """All our own identities."""
    return frozenset(identity for settings in config.channels for identity in settings.own())


def _writer(config: Config, channels: Mapping[str, Settings], keys: Keys) -> Writer:
    said = config.acknowledge
    return Writer(
        name=config.gateway.name,
        zone=ZoneInfo(config.gateway.timezone),
        language=config.gateway.language,
        channels=channels,
        words=Words(said.templates, config.gateway.language),
        calendar=config.calendar_(),
        within=said.reply_within,
        phone=said.phone,
        phone_hours=said.phone_hours,
        keys=keys,
    )


def firing(config: Config, keys: Keys) -> Firing:
    """What a due follow-up says, with everything that the configuration says to it."""
    said = config.acknowledge
    return Firing(
        follow=Follow(config.rules(), config.calendar_()),
        name=config.gateway.name,
        zone=ZoneInfo(config.gateway.timezone),
        language=config.gateway.language,
        channels={settings.name: settings for settings in config.channels},
        modes={settings.name: config.mode_of(settings) for settings in config.channels},
        words=Words(said.templates, config.gateway.language),
        keys=keys,
        per_conversation_day=said.limits.per_conversation_day,
        phone=said.phone,
        phone_hours=said.phone_hours,
        quiet=config.calendar.quiet,
    )


@dataclass(slots=True)
class Parts:
    """Everything that runs in one daemon."""

    config: Config
    store: Store
    readers: Readers
    ingest: Ingest
    deliver: Deliver
    backlog: Backlog
    channels: Mapping[str, Channel]
    metrics: Metrics
    clock: Clock
    rules: Admission
    watch: Watch

    def readiness(self) -> Readiness:
        """Whether every channel is up, and what comes in can be stored."""
        missing = [f"listener {name}" for name in self.watch.missing()]
        if not self.store.takes_mail():
            missing.append("room in the store")
        return Readiness(
            not missing, tuple(missing), (*self.watch.bad(), *attention(self.channels))
        )


async def assemble(
    config: Config, failpoint: Callable[[str], None], stack: AsyncExitStack
) -> Parts:
    """Open the store, start the readers, and connect the parts; the stack closes them again."""
    data_dir = config.gateway.data_dir
    keys = Keys(secrets.key(data_dir))
    rules = admission(config, keys)
    store = Store(config.store.dsn, data_dir, rules, failpoint, config.store.min_free)
    stack.push_async_callback(store.close)
    readers = Readers(WORKERS, store.blobs.spool)
    stack.push_async_callback(readers.close)
    await readers.start()
    host = Host(
        config.gateway.hostname or await asyncio.to_thread(socket.getfqdn),
        data_dir, store.low_on_disk, failpoint, partial(Past, store),
    )  # fmt: skip
    channels = _channels(config, host, stack)
    metrics = Metrics()
    metrics.watch("reader_restarts", "Reading workers replaced.", lambda: readers.restarts)
    deliver = Deliver(store, channels, secrets.instance(data_dir), now, failpoint, metrics)
    ingest = Ingest(
        store=store,
        readers=readers,
        keys=keys,
        own=own(config),
        trust={s.name: Trust(*s.trusted()) for s in config.channels},
        max_age=config.acknowledge.max_age.span,
        clock=now,
        committed=deliver.wake,
        metrics=metrics,
        forms=config.form_mail,
        staff=staff(config),
        marks=rules.marks,
        screen=screen.build(config, host.hostname, metrics, stack),
        gaps={s.name: s.gap for s in config.channels if s.gap},
        canaries=canary.build(config, rules, channels, keys, metrics, now),
        resolver=resolver.build(config.authentication, stack),
    )
    backlog = Backlog(store, ingest)
    clock = _clock(config, store, keys, deliver, rules)
    watch = watching(channels, rules.alarms, now, metrics)
    return Parts(
        config, store, readers, ingest, deliver, backlog, channels, metrics, clock, rules, watch
    )


def _channels(config: Config, host: Host, stack: AsyncExitStack) -> dict[str, Channel]:
    channels = {s.name: load(s.type)(_named(s, config), host) for s in config.channels}
    for channel in channels.values():
        if isinstance(channel, Closed):
            stack.push_async_callback(channel.close)
    return channels


def _clock(config: Config, store: Store, keys: Keys, deliver: Deliver, rules: Admission) -> Clock:
    raised = rules.alarms.raise_
    return Clock(
        store, config.rules(), firing(config, keys), now, deliver.wake_all,
        lambda kind, reason: raised(Alarm(kind, reason, now(), {})),
    )  # fmt: skip


def _named(settings: Settings, config: Config) -> Settings:
    """A channel that has no name of its own to show speaks in the gateway's."""
    shown = settings.from_name or config.gateway.name
    return settings.model_copy(update={"from_name": shown})


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
        if await _unless(stop, _begin(parts)):
            _spare_the_collector()
            await _serve(parts, sockets, stop)
    log.info("daemon.stopped")


async def _begin(parts: Parts) -> None:
    """The first writes: what a dead process was sending, and the token of a first start."""
    data_dir = parts.config.gateway.data_dir
    if parts.ingest.resolver:
        await parts.ingest.resolver.start()
    await _patiently(lambda: parts.store.recover(now(), parts.deliver.owner))
    await _patiently(lambda: remember(parts.rules.crowd, parts.store, now()))
    made = await _patiently(lambda: access.first(parts.store, data_dir, now()))
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


async def _serve(parts: Parts, sockets: list[socket.socket], stop: asyncio.Event) -> None:
    """Ways in first to start and first to stop; what they took in still goes out."""
    app = build(
        ApiState(
            parts.store,
            parts.readiness,
            parts.metrics.registry,
            parts.config.gateway.name,
            desk(parts.config, parts.ingest.keys),
            now,
            parts.deliver.wake,
            parts.backlog.release,
            {name: c for name, c in parts.channels.items() if isinstance(c, Webhook)},
        )
    )
    inner = [
        _start("http", lambda: _answer(app, parts.config.http.listen, sockets)),
        _start("backlog", parts.backlog.run),
        _start("second_look", SecondLook(parts.backlog, now).run),
        _start("clock", parts.clock.run),
        _start("leases", lambda: _watch_leases(parts)),
        _start("watch", parts.watch.run),
        *(
            _start(f"canary.{name}", partial(canaries.run, name))
            for canaries in filter(None, [parts.ingest.canaries])
            for name in canaries.wanted
        ),
        _start("logins", Logins(parts.channels, parts.rules.alarms, now, parts.metrics).run),
        _start("alarms", partial(parts.rules.alarms.run, parts.store, parts.metrics)),
        *(_start(f"deliver.{name}", partial(parts.deliver.run, name)) for name in parts.channels),
    ]
    outer = [
        _start(f"channel.{name}", partial(channel.receive, parts.ingest.accept))
        for name, channel in parts.channels.items()
    ]
    log.info("daemon.started", channels=list(parts.channels))
    await stop.wait()
    log.info("daemon.stopping")
    await _cancel(outer)
    await _cancel(inner)


async def _answer(app: ASGIApp, listen: Endpoint, bound: list[socket.socket]) -> None:
    """Serve on the sockets of the start; after a fall, which closes them, on new ones."""
    sockets = bound[:] or await server.bind(*listen)
    bound.clear()
    await server.serve_on(app, sockets, asyncio.Event())


def _start(name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    return asyncio.create_task(_keep_running(name, work), name=name)


async def _keep_running(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """One part falling is no reason for the others to: it is told, and started again."""
    wait = _RESTART_AFTER
    while True:
        try:
            await work()
        except Exception as error:
            log.exception("part.fell", part=name, error=type(error).__name__)
        await asyncio.sleep(wait)
        wait = min(wait * 2, _RESTART_AT_MOST)


async def _watch_leases(parts: Parts) -> None:
    while True:
        await asyncio.sleep(_LEASES)
        # Our own rows are under way; only what others left behind is taken.
        await parts.store.recover(now(), owner="")


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_DRAIN)
