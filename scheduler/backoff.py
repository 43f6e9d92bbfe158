"""Pure: when a delivery that failed for now is tried again, and when we give up."""

from __future__ import annotations

from datetime import datetime, timedelta

# RFC 5321 section 4.5.4.1: quickly at first, every half hour or so later, for four to five days.
_WAITS = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30))
GIVE_UP_AFTER = timedelta(days=5)


_DOMAIN_WAITS = timedelta(minutes=5)  # one mail's trouble may be its own: others wait no longer


def retry_at(attempts: int, now: datetime, spread: float = 0.0) -> datetime:
    """When to try again after `attempts` tries; `spread`, 0 to 1, adds up to a quarter of the wait.

    What failed together shall not come back together.
    """
    return now + _WAITS[min(attempts, len(_WAITS)) - 1] * (1 + spread / 4)


def spread_of(number: int, attempts: int) -> float:
    """A place between 0 and 1, the same for the same try of the same row, far from its neighbours'."""
    return (number * 0x9E3779B1 + attempts * 0x85EBCA6B) % 2**32 / 2**32


def domain_until(again: datetime, now: datetime) -> datetime:
    """How long other mail to a domain waits that put one off until `again`."""
    return min(again, now + _DOMAIN_WAITS)


def is_hopeless(created_at: datetime, now: datetime) -> bool:
    """Whether a mail has waited so long that nobody expects it any more."""
    return now - created_at > GIVE_UP_AFTER
