"""Pure: by when a customer hears from us next, and what we wait for, as people say it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from gateway.desk.speak import Refused
from gateway.desk.wanted import Change, Reply
from gateway.record import storable
from gateway.words import clean_line
from gateway.words.dates import as_said
from scheduler.calendar import Calendar, due
from scheduler.duration import Duration
from store import rows
from store.rows import SETTLED, instant

Values = Mapping[str, str | None]  # of a case's columns

_LONGEST: Final = timedelta(days=3650)
_FORM: Final = Refused(
    "`next_update_by` is neither an instant with its zone (2026-11-26T17:00:00+09:00) nor a length"
    ' of time ("2 business days").'
)
_PAST: Final = Refused("The time that you promise is past; say one to come.")
_FAR: Final = Refused(f"The time that you promise is over {_LONGEST.days} days away.")
_RESOLVED: Final = Refused(
    "The case is resolved: nobody waits for an update. Say another `status`, too."
)


def read(written: str, calendar: Calendar, now: datetime) -> datetime | Refused:
    """An instant, or the end of a length of time by the calendar, as customers are told it."""
    try:
        return as_said(due(calendar, now, Duration.parse(written)).astimezone(calendar.zone))
    except ValueError:
        pass
    try:
        by = datetime.fromisoformat(written)
    except ValueError:
        return _FORM
    return fit(by, now) if by.tzinfo else _FORM


def fit(by: datetime, now: datetime) -> datetime | Refused:
    """A time that can be promised."""
    if by <= now:
        return _PAST
    return _FAR if by - now > _LONGEST else by


def changed(case: rows.Case, wanted: Change, calendar: Calendar, now: datetime) -> Values | Refused:
    """What a change names; who takes the time away takes its reason away, too."""
    if _is_resolved(case, wanted):
        return _RESOLVED if _promises(wanted) else {}
    values: dict[str, str | None] = {}
    if wanted.next_update_by:
        by = read(wanted.next_update_by, calendar, now)
        if isinstance(by, Refused):
            return by
        values |= _by(by, now)
    elif wanted.next_update_by is not None:
        values |= SETTLED
    if wanted.waiting_for is not None:
        values["waiting_for"] = _reason(wanted)
    return values


def said(case: rows.Case, wanted: Reply, by: datetime | None, now: datetime) -> Values | Refused:
    """What an answer promises; whatever was promised before, it has kept."""
    if _is_resolved(case, wanted):
        return _RESOLVED if _promises(wanted) else SETTLED
    return {**SETTLED, "waiting_for": _reason(wanted), **(_by(by, now) if by else {})}


def _is_resolved(case: rows.Case, wanted: Change | Reply) -> bool:
    return (wanted.status or case.status) == "resolved"


def _promises(wanted: Change | Reply) -> bool:
    return bool(wanted.next_update_by or wanted.waiting_for)


def _by(by: datetime, now: datetime) -> dict[str, str | None]:
    return {"next_update_by": instant(by), "next_update_said_at": instant(now)}


def _reason(wanted: Change | Reply) -> str:
    return storable(clean_line(wanted.waiting_for or "", 200))
