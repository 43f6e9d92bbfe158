"""Watches the channels that fetch: one that hears nothing makes no noise about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from channels.base import Channel, Watched
from gateway.alarm import Alarm, Alarms, Kind
from gateway.metrics import Metrics

State = Literal["well", "starting", "silent", "trouble"]

_LOOK = 1.0  # seconds between looks


class Standing(NamedTuple):
    """How a channel stands, and what a person should know about it."""

    state: State
    reason: str = ""

    @property
    def is_bad(self) -> bool:
        return self.state in {"silent", "trouble"}


def standing(channel: Watched, now: datetime, since: datetime) -> Standing:
    """Pure: `since` is when we began to listen to it."""
    if channel.trouble:
        return Standing("trouble", channel.trouble)
    heard = channel.heard_at or since
    if now - heard > channel.silent_after:
        return Standing("silent", f"nothing heard since {heard:%Y-%m-%d %H:%M:%S}Z")
    return Standing("well" if channel.heard_at else "starting")


@dataclass(slots=True)
class Watch:
    """Raises an alarm when a channel falls silent or gets into trouble, and one that it is well."""

    channels: Mapping[str, Channel]
    alarms: Alarms
    clock: Callable[[], datetime]
    since: datetime
    _last: dict[str, Standing] = field(default_factory=dict)

    def show(self, metrics: Metrics) -> None:
        """Show each channel's age and trouble."""
        for name, channel in self._watched().items():
            metrics.channels.watch(
                name,
                lambda channel=channel: self._age(channel),  # type: ignore[misc]  # bound now
                lambda channel=channel: float(self._standing(channel).is_bad),  # type: ignore[misc]  # bound now
            )

    def missing(self) -> list[str]:
        """Channels that are not up: a listener that does not listen, or no first contact so far.

        One that fetches is waited for no longer than until it counts as silent: the others shall
        not be taken for down because somebody else's server is.
        """
        watched = self._watched()
        listeners = [n for n, c in self.channels.items() if n not in watched and not c.ready]
        return listeners + [
            name for name, c in watched.items() if self._standing(c).state == "starting"
        ]

    def bad(self) -> list[str]:
        """What is wrong with which channel, in words for everybody: `mailbox: silent`."""
        found = {name: self._standing(channel) for name, channel in self._watched().items()}
        return [f"{name}: {how.state}" for name, how in found.items() if how.is_bad]

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK)

    def look(self) -> None:
        """Tell what has changed since the last look."""
        for name, channel in self._watched().items():
            before, now = self._last.get(name, Standing("starting")), self._standing(channel)
            self._last[name] = now
            if before.is_bad and before.state != now.state:
                self._tell(name, before, cleared=True)
            if now.is_bad and before.state != now.state:
                self._tell(name, now, cleared=False)

    def _tell(self, name: str, how: Standing, *, cleared: bool) -> None:
        kind: Kind = "channel.trouble" if how.state == "trouble" else "channel.silent"
        self.alarms.report(Alarm(kind, how.reason, self.clock(), {"channel": name}, cleared))

    def _watched(self) -> dict[str, Watched]:
        return {name: c for name, c in self.channels.items() if isinstance(c, Watched)}

    def _standing(self, channel: Watched) -> Standing:
        return standing(channel, self.clock(), self.since)

    def _age(self, channel: Watched) -> float:
        return (self.clock() - (channel.heard_at or self.since)).total_seconds()


def watching(
    channels: Mapping[str, Channel],
    alarms: Alarms,
    clock: Callable[[], datetime],
    metrics: Metrics,
) -> Watch:
    """Watch from now on."""
    watch = Watch(channels, alarms, clock, clock())
    watch.show(metrics)
    return watch
