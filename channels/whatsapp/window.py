"""Until when each customer may be written to freely: 24 hours from their own last message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from channels.base import ChannelDown, Past, Unavailable
from channels.notes import Notes
from channels.recent import Recent
from channels.whatsapp.settings import WINDOW

_MARGIN = timedelta(minutes=1)  # our request takes time, and clocks differ
_MOST = 10_000


class Windows:
    """In memory for whoever wrote of late, in our notes for all."""

    def __init__(self, past: Past, clock: Callable[[], datetime]) -> None:
        self._past, self._clock = Notes(past), clock
        self._heard: Recent[str, int] = Recent(_MOST)

    def hear(self, names: Iterable[str], at: int) -> None:
        """Somebody wrote, at this second since 1970; an older message changes nothing."""
        at = self._bounded(at)
        for name in names:
            self._heard[name] = max(at, self._heard.get(name, 0))

    async def note(self, names: Iterable[str], at: int) -> None:
        """Keep it, for after a restart. Raises Unavailable."""
        at = self._bounded(at)
        for name in names:
            known = await self._past.recall(_note(name))
            if not known.isdecimal() or int(known) < at:
                await self._past.note(_note(name), str(at))

    async def is_open(self, name: str) -> bool:
        """Raises ChannelDown where nobody can tell."""
        at = self._heard.get(name, 0)
        if not at:
            try:
                known = await self._past.recall(_note(name))
            except Unavailable as error:
                raise ChannelDown("our own notes cannot be read now") from error
            at = int(known) if known.isdecimal() else 0
            self.hear([name], at)
        return self._clock().timestamp() < at + (WINDOW - _MARGIN).total_seconds()

    def _bounded(self, at: int) -> int:
        """The platform's clock may run ahead of ours."""
        return min(at, int(self._clock().timestamp()))


def _note(name: str) -> str:
    return f"heard:{name}"
