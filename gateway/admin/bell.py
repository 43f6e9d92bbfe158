"""Pure: which alarms become a letter to the admin, and when: of each kind one an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.alarm import Alarm

HOUR = timedelta(hours=1)
_LINES = 20  # of one letter


class Line(NamedTuple):
    """What happened: to which channel ("" for the whole house), and whether it is over by that."""

    at: datetime
    about: str
    reason: str
    over: bool


class Bell(NamedTuple):
    """What the admin was told of one kind of alarm, and what waits to be told.

    `rung_at` and `over_at` are the last letters that told of trouble, and that it is over; `told`
    are the channels of which no end was told so far, and when each was last in trouble. `more`
    came beside the lines that wait.
    """

    rung_at: datetime | None = None
    over_at: datetime | None = None
    told: tuple[tuple[str, datetime], ...] = ()
    waiting: tuple[Line, ...] = ()
    more: int = 0

    @property
    def open(self) -> dict[str, datetime]:
        """The channels for which what waits ends badly, and when."""
        last = {line.about: line for line in self.waiting}
        return {about: line.at for about, line in last.items() if not line.over}

    @property
    def bad(self) -> dict[str, datetime]:
        """Everything of which neither an end was told nor one waits to be."""
        ended = {line.about for line in self.waiting}
        return {about: at for about, at in self.told if about not in ended} | self.open


class Letter(NamedTuple):
    """What is told at once; `more` came since `since` and are not listed."""

    lines: tuple[Line, ...]
    more: int
    since: datetime | None
    over: bool


def heard(bell: Bell, alarm: Alarm) -> Bell:
    """The bell after an alarm, which waits now; the end of what nobody was told of is no news."""
    known = {*dict(bell.told), *(line.about for line in bell.waiting)}
    if alarm.cleared and alarm.about not in known:
        return bell
    line = Line(alarm.at, alarm.about, alarm.reason, alarm.cleared)
    return _with(bell, (line,), alarm.more)


def gone(bell: Bell, since: datetime, now: datetime) -> Bell:
    """The bell with the end of what was in trouble before this process began, at `since`, and has
    not been again for an hour: a restart is how much is put right.
    """
    if now - since < HOUR:
        return bell
    over = [about for about, at in bell.bad.items() if at < since]
    return _with(
        bell, tuple(Line(now, about, "not seen since the restart", True) for about in over)
    )


def _with(bell: Bell, lines: tuple[Line, ...], more: int = 0) -> Bell:
    waiting = (*bell.waiting, *lines)
    dropped = max(0, len(waiting) - _LINES)
    return bell._replace(waiting=waiting[dropped:], more=bell.more + more + dropped)


def is_due(bell: Bell, now: datetime) -> bool:
    """Whether what waits may be told: trouble once an hour, and once an hour that it is over."""
    last = bell.rung_at if bell.open else bell.over_at
    # A letter of the future is one of a clock that was set back since.
    return bool(bell.waiting) and (last is None or abs(now - last) >= HOUR)


def rung(bell: Bell, now: datetime) -> tuple[Bell, Letter]:
    """Everything that waits as one letter, and the bell after it."""
    over = not bell.open
    letter = Letter(bell.waiting, bell.more, bell.rung_at, over)
    told = tuple(sorted(bell.bad.items()))
    if over:
        return Bell(bell.rung_at, now, told), letter
    return Bell(now, bell.over_at, told), letter
