"""Pure: when a delivery that failed for now is tried again, and when we give up."""

from __future__ import annotations

from datetime import datetime, timedelta

# RFC 5321 section 4.5.4.1: quickly at first, every half hour or so later, for four to five days.
_WAITS = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30))
GIVE_UP_AFTER = timedelta(days=5)


def retry_at(attempts: int, now: datetime) -> datetime:
    """When to try again after `attempts` tries."""
    return now + _WAITS[min(attempts, len(_WAITS)) - 1]


def is_hopeless(attempts: int, at_most: timedelta | None = None) -> bool:
    """Whether so many tries have used up the days that a mail is worth trying.

    `at_most` is the longest wait between them, where it is shorter than ours.
    """
    waits = [min(wait, at_most or wait) for wait in _WAITS]
    spent = sum(waits, timedelta()) + waits[-1] * max(0, attempts - len(waits))
    return spent > GIVE_UP_AFTER
