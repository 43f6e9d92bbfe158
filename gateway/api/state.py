"""What the HTTP side is lent by the rest of the daemon."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry

from channels.base import Webhook
from gateway.absence.known import Absences
from gateway.api.vitals import Readiness
from gateway.desk.speak import Desk
from gateway.faq.entries import Entry
from gateway.notices.acts import Announcing
from store.store import Store

Hooks = Mapping[str, Webhook]
Release = Callable[[int], Awaitable[object | None]]


async def nothing(_: int) -> None:
    """Where nothing is taken in, there is no spam to release."""


@dataclass(frozen=True, slots=True)
class ApiState:
    """What the HTTP side works with; `name` is whom customers are talking to.

    `desk` is from where people speak, `announcing` how they tell many, and `committed(channel)`
    wakes whoever delivers there.
    `release` lets one spam be mail like any other, and returns None if there is no such spam.
    `hooks` are the channels that are called over HTTP. `zone` is where customers' days count,
    `faq` what acknowledgements may have named, and `helped` counts whom that was enough.
    `proxies` may say for whom they ask. `language` is ours, `absences` are
    who of us is away.
    """

    store: Store
    ready: Callable[[], Readiness]
    metrics: CollectorRegistry
    name: str
    desk: Desk
    clock: Callable[[], datetime]
    committed: Callable[[str], None]
    release: Release = nothing
    hooks: Hooks = field(default_factory=dict)
    zone: ZoneInfo = ZoneInfo("UTC")
    faq: tuple[Entry, ...] = ()
    helped: Callable[[bool], None] = lambda _: None
    proxies: tuple[str, ...] = ()
    announcing: Announcing | None = None
    language: str = "en"
    absences: Absences = field(default_factory=Absences)
