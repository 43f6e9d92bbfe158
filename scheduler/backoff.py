"""Pure: when a delivery that failed for now is tried again, and when we give up."""

from __future__ import annotations

from datetime import datetime, timedelta

# RFC 5321 section 4.5.4.1: quickly at first, every half hour or so later, for four to five days.
_WAITS = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30))
GIVE_UP_AFTER = timedelta(days=5)


def retry_at(attempts: int, now: datetime) -> datetime:
    """When to try again after `attempts` tries."""
    return now + _WAITS[min(attempts, len(_WAITS)) - 1]


def is_hopeless(created_at: datetime, now: datetime) -> bool:
    """Whether a mail has waited so long that nobody expects it any more."""
    return now - created_at > GIVE_UP_AFTER
