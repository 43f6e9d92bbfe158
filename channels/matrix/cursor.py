"""How far we have read on a homeserver, kept where a crash does not reach it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import NamedTuple

from channels.base import Past

_NOTE = "cursor"
# Servers pass events on to each other with delay, and by clocks of their own.
_LATE = timedelta(hours=24)
_SKEW = timedelta(minutes=5)


class Cursor(NamedTuple):
    """`next` is where to go on, "" from the beginning; `first` is when we looked for the first
    time, `last` when we looked last.
    """

    next: str
    first: datetime
    last: datetime
    is_first: bool = False

    @classmethod
    async def load(cls, past: Past, now: datetime) -> Cursor:
        noted = await past.recall(_NOTE)
        if not noted:
            # Also if we are killed at once, this was when we looked for the first time.
            return (await cls("", now, now).move(past, "", now))._replace(is_first=True)
        said = json.loads(noted)
        first, last = (datetime.fromisoformat(said[key]) for key in ("first", "last"))
        return cls(said["next"], first, last)

    async def move(self, past: Past, to: str, now: datetime) -> Cursor:
        """Go on from there; it is noted when this returns."""
        first = min(self.first, now)  # a first look in the future was by a clock set back since
        said = {"next": to, "first": first.isoformat(), "last": now.isoformat()}
        await past.note(_NOTE, json.dumps(said))
        return Cursor(to, first, now)

    def is_after(self, at: datetime | None, now: datetime) -> bool:
        """Whether something from then can be new to us; a last look in the future was none."""
        return at is not None and at > min(self.last, now) - _LATE

    def is_history(self, at: datetime) -> bool:
        """Whether something from then was there before we looked for the first time."""
        return self.is_first or at < self.first - _SKEW
