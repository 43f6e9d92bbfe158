"""A step of the clock: whose owner is away, and who is waited for, goes to the deputy in time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import quote

import structlog
from sqlalchemy import Connection

from gateway.absence.known import Absences
from gateway.absence.rota import Rota, Span
from gateway.absence.uncovered import Uncovered
from gateway.desk.handing import Handing, How
from gateway.record import event_row
from gateway.team.roster import Colleague, folded
from store import absences, rows
from store.absences import COVER
from store.engine import StoreUnavailable
from store.known import Changes
from store.rows import instant
from store.store import Store

log = structlog.get_logger()

BATCH: Final = 50  # cases in one transaction: few enough that nobody's 250 waits for them
_TURNS: Final = 10  # transactions of one tick for one absence, so that follow-ups fire between them
_PAUSE: Final = timedelta(minutes=1)  # after an error of ours


@dataclass(slots=True)
class Cover:
    """Hands over what cannot wait until somebody is back; `covered` counts it.

    Who is away, whose case it is and who gets it are looked at in the transaction that writes it:
    each case is handed over once for an absence, whichever process comes first and whenever it dies.
    """

    store: Store
    absences: Absences
    handing: Handing
    uncovered: Uncovered
    now: Callable[[], datetime]
    covered: Callable[[int], None]
    failpoint: Callable[[str], None]
    _failed_at: datetime | None = field(default=None, init=False)

    async def __call__(self) -> int:
        """Look once; returns how many cases were handed over."""
        now = self.now()
        if self._failed_at and abs(now - self._failed_at) < _PAUSE:
            return 0
        try:
            return await self._look(now)
        except StoreUnavailable:
            raise
        except Exception as error:
            # A defect of ours with one case shall not hold up the clock for all others.
            log.exception("cover.failed", error=type(error).__name__)
            self._failed_at = now
            return 0

    async def _look(self, now: datetime) -> int:
        rota = await self.absences.latest(self.store, now)
        away = rota.everybody_away(now)
        if not away:
            return 0
        owners = await self.store.read(absences.owners)
        return sum([await self._cover(rota, one, span, owners, now) for one, span in away])

    async def _cover(
        self, rota: Rota, one: Colleague, span: Span, owners: Collection[str], now: datetime
    ) -> int:
        theirs = [owner for owner in owners if rota.roster.find(owner) == one]
        if not theirs:
            return 0
        covers, count = rota.stands_in(one, now) is not None, 0
        for _ in range(_TURNS):
            if not await self.store.read(lambda c: _waits(c, theirs, span)):
                break
            if not covers:
                await self.uncovered(self.store, one, theirs, cause(span), now)
                break
            count += await self.store.change(partial(self._plan, one, theirs))
            self.failpoint("F23")
        if count:
            self.covered(count)
        return count

    def _plan(
        self, one: Colleague, owners: Sequence[str], connection: Connection, changes: Changes
    ) -> int:
        now, rota = self.now(), self.absences.rota(connection)
        span, deputy = rota.away(one, now), rota.stands_in(one, now)
        if span is None or deputy is None:
            return 0  # somebody is back, or left, since it was looked at
        found = absences.waiting(connection, owners, span.ends_at, cause(span), BATCH)
        for case in found:
            self._hand(connection, case, deputy, span, now, changes)
        self.failpoint("F22")
        return len(found)

    def _hand(
        self, connection: Connection, case: rows.Case, deputy: Colleague, span: Span,
        now: datetime, changes: Changes,
    ) -> None:  # fmt: skip
        after = case._replace(owner=deputy.name)
        changes.update("cases", case.id, owner=after.owner)
        event_row(
            changes, "case.changed", case.conversation_id, instant(now), case_id=case.id,
            by=f"absence of {span.name}", before={"owner": case.owner},
            after={"owner": after.owner},
        )  # fmt: skip
        changes.add(
            rows.FollowUp(
                changes.new_id(), case.id, case.conversation_id, COVER, cause(span), "fired",
                instant(now), instant(now), f"{span.name} is away: {deputy.name} takes care",
            )
        )  # fmt: skip
        if case.opened_at <= instant(span.begins_at):
            # Who wrote during the absence has never been with anybody else.
            self.handing.tell_customer(connection, case, after, now, changes)
        how = How(span.name, now, until=span.ends_at)
        self.handing.tell_owner(connection, case, after, how, changes)


def _waits(connection: Connection, owners: Sequence[str], span: Span) -> bool:
    return bool(absences.waiting(connection, owners, span.ends_at, cause(span), 1))


def cause(span: Span) -> str:
    """Which absence: of whom, since when."""
    return f"away {quote(folded(span.name), safe='')}@{instant(span.begins_at)}"
