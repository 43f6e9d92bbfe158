"""Pure: a case's new status, stage, owner, tags and subject, with its clocks and its event."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.desk.owing import Values
from gateway.desk.speak import Who, tell
from gateway.desk.wanted import Change, Status
from gateway.follow_ups.follow import Follow
from gateway.record import storable, to_json
from gateway.words import clean_line
from normalizer.email.threading import base_subject
from store import rows
from store.known import Changes
from store.rows import SETTLED, instant

_OWED = ("next_update_by", "waiting_for")
_SHOWN = frozenset(
    {"status", "stage", "owner", "priority", "tags", "subject", "attributes", *_OWED}
)


def apply(
    case: rows.Case, wanted: Change, who: Who, follow: Follow | None, changes: Changes,
    owed: Values,
) -> rows.Case:  # fmt: skip
    """The case as it shall be; what differs is written, and told with before and after.

    `owed` are new values of what is owed to the customer.
    """
    values: dict[str, Any] = dict(owed)
    for name in ("stage", "owner", "priority"):
        if (value := getattr(wanted, name)) is not None:
            values[name] = storable(clean_line(value, 200))
    if wanted.tags is not None:
        values["tags"] = tags(wanted.tags)
    if wanted.attributes is not None:
        values["attributes"] = _attributes(case, wanted.attributes)
    if wanted.subject is not None:
        values["subject"] = storable(clean_line(wanted.subject))
        values["base_subject"] = storable(base_subject(values["subject"]))
    if wanted.status is not None:
        values |= clocks(case, wanted.status, who)
    return _written(case, values, who, follow, changes)


def tags(wanted: Iterable[str]) -> str:
    """Tags as the store keeps them: each once, on one line, in their order."""
    clean = (clean_line(one, 100) for one in wanted)
    return storable(to_json(list(filter(None, dict.fromkeys(clean)))))


def _attributes(case: rows.Case, wanted: Mapping[str, str]) -> str:
    clean = {
        storable(clean_line(name, 40)): storable(clean_line(value, 200))
        for name, value in wanted.items()
    }
    after = json.loads(case.attributes) | clean
    return to_json({name: value for name, value in after.items() if name and value})


def clocks(case: rows.Case, status: Status, who: Who) -> dict[str, Any]:
    """A status with the clock that belongs to it; resolved once more keeps its hour."""
    if status != "resolved":
        return {"status": status, "resolved_at": None}
    resolved_at = case.resolved_at or instant(who.at)
    return {"status": status, "resolved_at": resolved_at, "unanswered_since": None, **SETTLED}


def answered(
    case: rows.Case, status: Status | None, who: Who, follow: Follow | None, changes: Changes,
    owed: Values = SETTLED,
) -> rows.Case:  # fmt: skip
    """A case in which a person has answered: nobody waits any more, and it is no longer new.

    `owed` is what the answer promises; one that promises nothing has kept what stood before.
    """
    if case.unanswered_since is not None:
        changes.update("cases", case.id, unanswered_since=None)
        case = case._replace(unanswered_since=None)
    if follow:
        follow.answered(case.id, who.at, changes, "a person answered")
    wanted = status or ("open" if case.status == "new" else None)
    return apply(case, Change(status=wanted), who, follow, changes, owed)


def _written(
    case: rows.Case, values: dict[str, Any], who: Who, follow: Follow | None, changes: Changes
) -> rows.Case:
    changed = {name: value for name, value in values.items() if getattr(case, name) != value}
    if not changed:
        return case
    after = case._replace(**changed)
    changes.update("cases", case.id, **changed)
    if follow:
        follow.status_set(case.status, after, who.at, changes, f"the case is {after.status}")
        follow.owed(case, after, who.at, changes)
    shown = [name for name in changed if name in _SHOWN]
    if not shown:
        return after
    tell(
        changes, "case.changed", case, who,
        before={name: _shown(case, name) for name in shown},
        after={name: _shown(after, name) for name in shown},
    )  # fmt: skip
    return after


def _shown(case: rows.Case, name: str) -> object:
    value = getattr(case, name)
    return json.loads(value) if name in ("tags", "attributes") else value
