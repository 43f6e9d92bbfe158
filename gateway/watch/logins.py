"""Tells of people's log-ins at providers that end, before they do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from channels.base import Channel, LoggedIn
from channels.oauth_grant import Health
from gateway.alarm import Alarm, Alarms, Kind
from gateway.metrics import Metrics

KIND: Kind = "channel.login"
_LOOK = 30.0  # seconds between looks
_GOOD = Health("good")


def healths(channels: Mapping[str, Channel]) -> dict[str, Health]:
    """How each channel's log-in is doing, where it has one; from files, nobody is asked."""
    found = {n: c.login_health() for n, c in channels.items() if isinstance(c, LoggedIn)}
    return {name: health for name, health in found.items() if health}


def attention(channels: Mapping[str, Channel]) -> list[str]:
    """Which log-ins need a person, for everybody to read: `mailbox: log-in ends soon`."""
    words = {"ends_soon": "log-in ends soon", "dead": "log-in has ended"}
    found = healths(channels)
    return [f"{n}: {words[how.state]}" for n, how in found.items() if how.state in words]


@dataclass(slots=True)
class Logins:
    """Raises an alarm when a log-in will end or has ended, and one when it is good again."""

    channels: Mapping[str, Channel]
    alarms: Alarms
    clock: Callable[[], datetime]
    metrics: Metrics
    _last: dict[str, Health] = field(default_factory=dict)

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK)

    async def look(self) -> None:
        """Tell what has changed since the last look."""
        now = self.clock()
        for name, health in (await asyncio.to_thread(healths, self.channels)).items():
            before, self._last[name] = self._last.get(name, _GOOD), health
            if health.ends_at:
                self.metrics.channels.login_ends(name, (health.ends_at - now).total_seconds())
            if before.state != health.state:
                told = health if health.state != "good" else before
                cleared = health.state == "good"
                data = {"channel": name, "state": told.state}
                self.alarms.report(Alarm(KIND, told.text, now, data, cleared))
