"""Pure: which next updates were promised, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from store.promises import Made, Said, Updates

_OURS: Final = (
    "follow_up:"  # who moves a time because it cannot be kept: the first one stays promised
)


@dataclass(slots=True)
class _Open:
    """A promise that runs: until when it was first said, and until when it is by now."""

    made_at: datetime
    promised_by: datetime
    now_by: datetime


def promised(found: Updates) -> list[Made]:
    """Each update that a person promised: answered by the next answer of a person.

    It is over without one where the case was resolved, or where a person took the time back or
    said another one.
    """
    running: dict[int, _Open] = {}
    made: list[Made] = []
    for one in found.said:
        here = running.pop(one.case_id, None)
        if here is None and one.before:
            here = _Open(datetime.min.replace(tzinfo=one.at.tzinfo), one.before, one.before)
        if here and one.after and one.by.startswith(_OURS):
            here.now_by = one.after
            running[one.case_id] = here
            continue
        if here:
            made.append(_over(here, one, found))
        if one.after:
            running[one.case_id] = _Open(one.at, one.after, one.after)
    for owed in found.owed:
        here = running.get(owed.case_id)
        made.append(_made(owed.case_id, here, None, None) if here else owed)
    return made


def _over(here: _Open, end: Said, found: Updates) -> Made:
    replies = found.replies.get(end.case_id, [])
    answered = next((at for at in replies if here.made_at < at <= end.at), None)
    return _made(end.case_id, here, answered, None if answered else end.at)


def _made(case: int, here: _Open, answered_at: datetime | None, closed_at: datetime | None) -> Made:
    return Made(case, "", "", here.made_at, here.promised_by, answered_at, closed_at)
