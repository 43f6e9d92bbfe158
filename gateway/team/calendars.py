"""Pure: by whose opening hours a case counts, and when its customer is left in peace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from scheduler.calendar import Calendar, at_wall_time

Quiet = tuple[timedelta, timedelta]


class Times(NamedTuple):
    """Opening hours, and the wall times between which customers are left in peace."""

    calendar: Calendar
    quiet: Quiet | None = None


class Counted(Protocol):
    """What counts by a calendar: the name that its route gave, and its channel."""

    @property
    def calendar(self) -> str: ...
    @property
    def channel(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Calendars:
    """What a case's route says counts, then what its channel says, then what all others go by."""

    usual: Times
    named: Mapping[str, Times] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)

    def on(self, channel: str) -> Times:
        """Of a channel."""
        return self.named.get(self.channels.get(channel, ""), self.usual)

    def of(self, case: Counted) -> Times:
        """Of a case; one whose calendar has left the configuration is like any other."""
        return self.named.get(case.calendar) or self.on(case.channel)


def quiet_until(quiet: Quiet | None, zone: ZoneInfo, now: datetime) -> datetime | None:
    """When the quiet hours end in which `now` lies; None outside of them.

    `quiet` are wall times since midnight; from a later to an earlier one it goes over midnight.
    """
    if quiet is None:
        return None
    start, end = quiet
    wall = now.astimezone(zone).replace(tzinfo=None)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    time = wall - midnight
    if not (start <= time < end if start < end else time >= start or time < end):
        return None
    day = midnight if time < end else midnight + timedelta(days=1)
    return at_wall_time(zone, day + end)
