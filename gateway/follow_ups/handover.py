"""Pure: another owner of a case, as its customer hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.follow_ups.follow import handed_from
from gateway.team.roster import Roster
from store import rows
from store.cases import Standing
from store.rows import moment


def whom_they_knew(
    before: rows.Case, after: rows.Case, waiting: Sequence[str], roster: Roster
) -> str:
    """Who took care of a case as far as its customer knows; "" where that is no other.

    `waiting` are the causes of notices that are not out yet: of several changes within their minute
    the first says who it was. Who takes care of a case that nobody owned takes it over from nobody.
    """
    known = next(filter(None, map(handed_from, waiting)), before.owner)
    is_other = after.owner and not roster.is_same(known, after.owner)
    return known if is_other else ""


def is_over(cause: str, case: rows.Case, roster: Roster) -> str:
    """Why a hand-over need not be told any more; "" while it is news."""
    before = handed_from(cause)
    is_news = case.owner and case.status != "resolved" and not roster.is_same(before, case.owner)
    return "" if is_news else "it is otherwise now"


def promised(here: Standing, now: datetime) -> datetime | None:
    """By when the customer hears from us in any case, as we said; None for what is over."""
    answer = here.promised_by if here.case.unanswered_since else None
    said = (moment(by) for by in (answer, here.case.next_update_by) if by)
    return min((by for by in said if by > now), default=None)
