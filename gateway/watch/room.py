"""Watches whether the store takes mail: a full disk and a dead database make no noise themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.alarm import Alarm, Alarms
from store.store import Store

_LOOK = 1.0  # seconds between looks
_PATIENCE = timedelta(seconds=15)  # one commit that fails may be a lock


@dataclass(slots=True)
class Room:
    """Raises an alarm when new mail has been put off for a while, and one when it is taken again."""

    store: Store
    alarms: Alarms
    clock: Callable[[], datetime]
    _since: datetime | None = None
    _told: str = ""

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK)

    def look(self) -> None:
        """Tell what has changed since the last look."""
        now = self.clock()
        if self.store.takes_mail():
            if self._told:
                self.alarms.report(Alarm("store.trouble", self._told, now, {}, cleared=True))
            self._since, self._told = None, ""
            return
        self._since = self._since or now
        if not self._told and now - self._since >= _PATIENCE:
            full = self.store.low_on_disk()
            self._told = "the disk is nearly full" if full else "the database takes nothing"
            self.alarms.report(Alarm("store.trouble", self._told, now, {}))
