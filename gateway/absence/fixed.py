"""Who of us is away when, as the configuration says."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.absence.known import Absences
from gateway.absence.rota import Span
from gateway.config import Config
from gateway.desk.staffing import roster
from scheduler.calendar import at_wall_time

_DAY = timedelta(days=1)


def absences(config: Config) -> Absences:
    """Everybody of us, before anybody has said anything."""
    zone = ZoneInfo(config.gateway.timezone)
    spans = (
        Span(one.name, _midnight(zone, days.first), _midnight(zone, days.last + _DAY), fixed=True)
        for one in config.staff
        for days in one.absent
    )
    return Absences(roster(config), tuple(spans))


def _midnight(zone: ZoneInfo, day: date) -> datetime:
    return at_wall_time(zone, datetime.combine(day, time()))
