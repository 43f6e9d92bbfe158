"""The composition root: every part of one daemon, made from the configuration and connected."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import cast
from zoneinfo import ZoneInfo

from channels import load
from channels.base import Channel, Closed, Host, Settings
from gateway import secrets
from gateway.absence.cover import Cover
from gateway.absence.fixed import absences
from gateway.absence.known import Absences
from gateway.absence.uncovered import Uncovered
from gateway.admit import Admission
from gateway.alarm import Alarm, Kind
from gateway.api.vitals import Readiness
from gateway.authenticate import Keys
from gateway.config import Config
from gateway.deliver import Deliver
from gateway.desk.speak import Desk
from gateway.desk.staffing import staff
from gateway.follow_ups.fire import Firing
from gateway.ingest import Ingest
from gateway.metrics import Metrics
from gateway.notices.acts import Announcing
from gateway.notices.elsewhere import Elsewhere
from gateway.promises.learning import How, Learning
from gateway.readers import Readers
from gateway.retries.backlog import Backlog
from gateway.retries.reroute import Reroute
from gateway.rules import admission, announcing, desk, firing, handing, own, promises, words
from gateway.sender import resolver
from gateway.sender.trust import Trust
from gateway.spam import screen
from gateway.team.calendars import quiet_until
from gateway.watch import canary
from gateway.watch.logins import attention
from gateway.watch.sending import Sending
from gateway.watch.silence import Watch, watching
from scheduler.clock import Clock, Fire
from scheduler.notices import Notices
from store.past import Past
from store.said import Inbox
from store.store import Store

WORKERS = 2


def now() -> datetime:
    return datetime.now(UTC)


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
    notices: Notices
    rules: Admission
    watch: Watch
    learning: Learning
    reroute: Reroute
    absences: Absences
    announcing: Announcing

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
    """Open the store, launch the readers, and connect the parts; the stack closes them again."""
    data_dir = config.gateway.data_dir
    keys, metrics = Keys(secrets.key(data_dir)), Metrics()
    promising, texts = promises(config), words(config)
    rules = replace(admission(config, keys, promising, texts), voted=metrics.customers.voted)
    store = Store(config.store.dsn, data_dir, rules, failpoint, config.store.min_free)
    stack.push_async_callback(store.close)
    readers = Readers(WORKERS, store.blobs.spool)
    stack.push_async_callback(readers.close)
    readers.launch()
    host = await _host(config, store, failpoint)
    channels = _channels(config, host, stack)
    sealers = config.authentication.trusted_arc
    metrics.watch("reader_restarts", "Reading workers replaced.", lambda: readers.restarts)
    limits = {settings.name: settings.limits for settings in config.channels}
    told = Sending(rules.alarms, now, frozenset(config.alarms.notify))
    deliver = Deliver(
        store, channels, secrets.instance(data_dir), now, failpoint, metrics, limits, told
    )
    ingest = Ingest(
        store=store,
        readers=readers,
        keys=keys,
        own=own(config),
        trust={s.name: Trust(*s.trusted(), sealers) for s in config.channels},
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
    fires, away = firing(config, keys, promising, texts), absences(config)
    to_all = _to_all(config, announcing(config, keys, texts))
    cover = _cover(config, store, away, rules, metrics, failpoint)
    learning = Learning(store, promising, _how(config), now, metrics.promises)
    return Parts(
        config, store, readers, ingest, deliver, Backlog(store, ingest), channels, metrics,
        _clock(config, store, fires, deliver, rules, cover), _notices(store, to_all, deliver, failpoint), rules,
        watching(channels, rules.alarms, now, metrics), learning,
        _reroute(config, desk(config, keys), fires, to_all, deliver), away, to_all.announcing,
    )  # fmt: skip


def _how(config: Config) -> How:
    said = config.acknowledge
    return How(said.learn, said.learn_quantile, said.learn_from)


async def _host(config: Config, store: Store, failpoint: Callable[[str], None]) -> Host:
    return Host(
        config.gateway.hostname or await asyncio.to_thread(socket.getfqdn),
        config.gateway.data_dir, store.low_on_disk, failpoint, partial(Past, store),
        inbox=partial(Inbox, store),
    )  # fmt: skip


def _channels(config: Config, host: Host, stack: AsyncExitStack) -> dict[str, Channel]:
    channels = {s.name: load(s.type)(_named(s, config), host) for s in config.channels}
    for channel in channels.values():
        if isinstance(channel, Closed):
            stack.push_async_callback(channel.close)
    return channels


def _clock(
    config: Config, store: Store, fire: Fire, deliver: Deliver, rules: Admission,
    cover: Cover | None,
) -> Clock:  # fmt: skip
    raised = rules.alarms.raise_
    return Clock(
        store, config.rules(), fire, now, deliver.wake_all,
        lambda kind, reason: raised(Alarm(cast("Kind", kind), reason, now(), {})), cover,
    )  # fmt: skip


def _cover(
    config: Config, store: Store, away: Absences, rules: Admission, metrics: Metrics,
    failpoint: Callable[[str], None],
) -> Cover | None:  # fmt: skip
    """Who replaces an owner who is away; None where there is nobody."""
    if not config.staff:
        return None
    hands = handing(config, rules)
    told = Uncovered(rules.notify, hands.follow, away, config.promise.notify)
    return Cover(store, away, hands, told, now, metrics.covered, failpoint)


def _to_all(config: Config, announces: Announcing) -> Elsewhere:
    """How many are told, by the first way and by the next."""
    quiet = partial(quiet_until, config.calendar.quiet, ZoneInfo(config.gateway.timezone))
    return Elsewhere(announces, quiet)


def _notices(
    store: Store, to_all: Elsewhere, deliver: Deliver, failpoint: Callable[[str], None]
) -> Notices:
    drawing, rate = to_all.announcing.drawing, to_all.announcing.per_minute
    return Notices(store, drawing, rate, to_all.quiet, now, deliver.wake_all, failpoint)


def _named(settings: Settings, config: Config) -> Settings:
    """A channel that has no name of its own to show speaks in the gateway's."""
    shown = settings.from_name or config.gateway.name
    return settings.model_copy(update={"from_name": shown})


def _reroute(
    config: Config, desk: Desk, fires: Firing, to_all: Elsewhere, deliver: Deliver
) -> Reroute:
    """Who looks for another way for what did not arrive."""
    return Reroute(
        deliver.store, desk, fires, to_all, deliver.channels,
        frozenset(s.name for s in config.channels if config.mode_of(s) != "watch"),
        now, deliver.wake, config.fallback.after.span, config.fallback.paid, deliver.failpoint,
    )  # fmt: skip
