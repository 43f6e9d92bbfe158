"""How long a peer is left alone: as long as it asks, or a little longer each time."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from channels.base import DeliveryError, Retry

LONGEST = timedelta(hours=1)  # that a peer may put us off at once
_BACK_OFF = 60.0  # seconds between tries at most, while it does not answer


def asked(said: str, now: datetime | None = None, longest: timedelta = LONGEST) -> timedelta | None:
    """What Retry-After asks for: seconds, or a date (RFC 9110 section 10.2.3); None for neither."""
    if said.isascii() and said.isdecimal():
        return min(timedelta(seconds=int(said[:9])), longest)
    try:
        left = parsedate_to_datetime(said) - (now or datetime.now(UTC))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(left, timedelta()), longest)


def after(error: DeliveryError, tries: int) -> float:
    """Seconds until a source that failed is tried again: as many as it asked for, if it did."""
    if isinstance(error, Retry) and error.after:
        return error.after.total_seconds()
    return between(tries)


def between(tries: int) -> float:
    """Seconds before the next try, spread so that not all come at once."""
    most = min(_BACK_OFF, float(2 ** min(tries, 10)))
    return random.uniform(most / 2, most)  # noqa: S311  nobody gains by guessing it
