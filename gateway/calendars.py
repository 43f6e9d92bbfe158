"""Pure: by whose opening hours a case counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from scheduler.calendar import Calendar

if TYPE_CHECKING:  # the configuration names calendars, and is read without a store
    from store import rows

Quiet = tuple[timedelta, timedelta]


class Times(NamedTuple):
    """Opening hours, and the wall times between which customers are left in peace."""

    calendar: Calendar
    quiet: Quiet | None = None


@dataclass(frozen=True, slots=True)
class Calendars:
    """What a case's route says counts, then what its channel says, then what all others go by."""

    usual: Times
    named: Mapping[str, Times] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)

    def on(self, channel: str) -> Times:
        """Of a channel."""
        return self.named.get(self.channels.get(channel, ""), self.usual)

    def of(self, case: rows.Case) -> Times:
        """Of a case; one whose calendar has left the configuration is like any other."""
        return self.named.get(case.calendar) or self.on(case.channel)
