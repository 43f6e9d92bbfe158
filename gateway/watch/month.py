"""Watches what platforms count by the month: a person should know before it is used up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from channels.base import Channel, Metered
from gateway.alarm import Alarm, Alarms
from gateway.metrics import Metrics

_LOOK = 1.0  # seconds between looks
_STAGES = (100, 80)  # percent


def stage(used: int, limit: int) -> int:
    """Pure: how far a month is used up, in the percents that are told; 0 below all of them."""
    return next((one for one in _STAGES if limit and used * 100 >= limit * one), 0)


@dataclass(slots=True)
class Months:
    """Raises an alarm at each stage of each channel's month, and clears it in the next."""

    channels: Mapping[str, Channel]
    alarms: Alarms
    clock: Callable[[], datetime]
    metrics: Metrics
    _told: dict[str, int] = field(default_factory=dict)

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            for name, channel in self.channels.items():
                if isinstance(channel, Metered):
                    self.look(name, *channel.month)
            await asyncio.sleep(_LOOK)

    def look(self, name: str, used: int, limit: int) -> None:
        """Show how a month stands, and tell what has changed."""
        self.metrics.channels.month(name, used, limit)
        before, now = self._told.get(name, 0), stage(used, limit)
        self._told[name] = now
        if now == before:
            return
        is_well = now < before
        reason = f"{used} of {limit} messages of the month are sent"
        alarm = Alarm("channel.month", reason, self.clock(), {"channel": name}, cleared=is_well)
        self.alarms.report(alarm)
