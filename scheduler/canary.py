"""Pure: when a canary is sent, and when it is lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

FIRST = timedelta(minutes=1)  # after a start, at most


class Round(NamedTuple):
    """The last canary of a channel: when it was sent, and whether it is home."""

    sent_at: datetime | None = None
    home: bool = False


def step(
    last: Round, now: datetime, every: timedelta, since: datetime
) -> Literal["wait", "send", "lost"]:
    """What to do now. One that is not home when the next is due is lost; `since` is our start."""
    if last.sent_at is None:
        return "send" if now - since >= min(every, FIRST) else "wait"
    if now - last.sent_at < every:
        return "wait"
    return "send" if last.home else "lost"
