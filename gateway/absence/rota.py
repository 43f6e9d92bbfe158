"""Pure: who of us is away at an instant, until when, and who stands in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from gateway.team.roster import Colleague, Roster, folded
from store import rows
from store.rows import moment


class Span(NamedTuple):
    """Somebody is away from one instant until another.

    `deputy` stands in, "" for the usual one; `fixed` is what the configuration says.
    """

    name: str
    begins_at: datetime
    ends_at: datetime
    deputy: str = ""
    fixed: bool = False


class Rota(NamedTuple):
    """Our own people, and when they are away."""

    roster: Roster
    spans: tuple[Span, ...] = ()

    def of(self, one: Colleague, now: datetime) -> list[Span]:
        """All absences of somebody that are not over, the first one first."""
        theirs = (span for span in self.spans if one.is_called(span.name))
        return sorted((s for s in theirs if s.ends_at > now), key=lambda s: s.begins_at)

    def away(self, one: Colleague, at: datetime) -> Span | None:
        """Since when somebody is away, and until when: where one absence follows another, the last.

        What a person said of a deputy counts before what the configuration says.
        """
        ahead = self.of(one, at)
        here = sorted((s for s in ahead if s.begins_at <= at), key=lambda s: s.fixed)
        if not here:
            return None
        until = max(span.ends_at for span in here)
        for span in ahead:
            if span.begins_at <= until:
                until = max(until, span.ends_at)
        deputy = next((span.deputy for span in here if span.deputy), one.deputy)
        since = min(span.begins_at for span in here)
        return Span(one.name, since, until, deputy, here[0].fixed)

    def everybody_away(self, at: datetime) -> list[tuple[Colleague, Span]]:
        """Who is away, each with the absence."""
        pairs = ((one, self.away(one, at)) for one in self.roster.people)
        return [(one, span) for one, span in pairs if span]

    def stands_in(self, one: Colleague, at: datetime) -> Colleague | None:
        """Who takes care for somebody who is away: their deputy, or that one's, who is there."""
        seen = {one}
        while span := self.away(one, at):
            deputy = self.roster.find(span.deputy)
            if deputy is None or deputy in seen:
                return None
            seen.add(deputy)
            one = deputy
        return one


def said(told: Iterable[rows.Absence]) -> tuple[Span, ...]:
    """What people said, the oldest first: of one person the last counts."""
    last = {
        folded(row.name): Span(row.name, moment(row.begins_at), moment(row.ends_at), row.deputy)
        for row in told
    }
    return tuple(last.values())
