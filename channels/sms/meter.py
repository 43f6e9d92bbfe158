"""How many segments of the month are used: each is charged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from channels.base import Past, Rejected

_NOTE = "segments"


class Meter:
    """Counts by UTC months, and goes on after a restart."""

    def __init__(self, limit: int, past: Past, clock: Callable[[], datetime]) -> None:
        self.limit = limit
        self._past, self._clock = past, clock
        self._month, self._used, self._going = "", 0, 0

    @property
    def used(self) -> int:
        return self._used if self._month == self._now() else 0

    async def load(self) -> None:
        """Take up where we were."""
        month, _, used = (await self._past.recall(_NOTE)).partition(" ")
        if month >= self._month and used.isdecimal():
            self._month, self._used = month, max(int(used), self.used)

    def ask(self, segments: int) -> None:
        """Before a message. Raises Rejected where it would pass the limit."""
        if self.limit and self.used + self._going + segments > self.limit:
            raise Rejected(f"monthly_limit is reached: {self.limit} segments", "window")

    @contextmanager
    def going(self, segments: int) -> Iterator[None]:
        """Around a message on its way, which takes room from those beside it. Raises as `ask`."""
        self.ask(segments)
        self._going += segments
        try:
            yield
        finally:
            self._going -= segments

    async def count(self, segments: int) -> None:
        self._used, self._month = self.used + segments, self._now()
        with suppress(Exception):  # the message is sent, whatever becomes of our note
            await self._past.note(_NOTE, f"{self._month} {self._used}")

    def _now(self) -> str:
        return f"{self._clock():%Y-%m}"
