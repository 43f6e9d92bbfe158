"""Missed rows that wait for the end of quiet hours: they come one by one then, and not as a mass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from scheduler.pace import LATE
from store import due
from store.due import Due, End
from store.rows import instant, moment

QUIET: Final = "quiet hours"

_GAP: Final = timedelta(seconds=1)  # 60 a minute, as for all that was missed
_MORNING: Final = timedelta(hours=12)  # what ends later is another end


def spaced(
    connection: Connection, rows: Sequence[Due], ends: Sequence[End], now: datetime
) -> Iterator[End]:
    """The same ends; of rows that were missed, each that waits has a second of its own."""
    missed = {row.id for row in rows if row.due_at <= instant(now - LATE)}
    last: dict[str, datetime] = {}
    for end in ends:
        if end.reason != QUIET or end.due_at is None or end.id not in missed:
            yield end
            continue
        begins = moment(end.due_at)
        if (before := last.get(end.due_at)) is None:
            until = instant(begins + _MORNING)
            taken = due.last_waiting(connection, QUIET, end.due_at, until)
            before = moment(taken) if taken else begins - _GAP
        last[end.due_at] = before + _GAP
        yield end._replace(due_at=instant(before + _GAP))
