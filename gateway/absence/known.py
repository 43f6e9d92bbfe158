"""What a daemon knows of who is away: as the configuration says, and as people said to any daemon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.absence.rota import Rota, Span, said
from gateway.team.roster import Roster
from store import absences, rows
from store.store import Store

_AGAIN = timedelta(minutes=1)  # another daemon may have been told


@dataclass(slots=True)
class Absences:
    """Everybody of us; the store is asked once a minute, and after `forget()`."""

    roster: Roster = field(default_factory=Roster)
    fixed: tuple[Span, ...] = ()
    _told: Sequence[rows.Absence] = field(default=(), init=False)
    _asked_at: datetime | None = field(default=None, init=False)

    def rota(self, connection: Connection) -> Rota:
        """As it is in this very transaction."""
        return self._with(absences.newest(connection))

    async def latest(self, store: Store, now: datetime) -> Rota:
        """As it was at most a minute ago."""
        if self._asked_at is None or abs(now - self._asked_at) >= _AGAIN:
            self._asked_at = now
            self._told = await store.read(absences.newest)
        return self._with(self._told)

    def forget(self) -> None:
        """Somebody has said something new."""
        self._asked_at = None

    def _with(self, told: Sequence[rows.Absence]) -> Rota:
        return Rota(self.roster, (*self.fixed, *said(told)))
