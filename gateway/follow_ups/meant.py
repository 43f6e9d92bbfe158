"""Pure: whether a rule is for a case as it stands, and when such rules end the case."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from gateway.team.route import named
from scheduler.rules import Only, Rule
from store.cases import Standing
from store.rows import moment


def why_not(rule: Rule, here: Standing, language: str) -> str:
    """Why a rule has nothing to do with a case in which we write `language`; "" where it has."""
    case = here.case
    facts = Only(
        frozenset({here.heard.channel if here.heard else case.channel}),
        frozenset(json.loads(case.tags)),
        frozenset({language.partition("-")[0]}),
        named(json.loads(case.attributes)),
    )
    missed = rule.only.missed_by(facts)
    return f"the rule is for cases of another {missed}" if missed else ""


def closes(rules: Iterable[Rule], here: Standing, language: str) -> datetime | None:
    """When a case is resolved by itself, as its rows wait now; None if nothing would do it."""
    if here.case.unanswered_since or here.case.next_update_by:
        return None
    ends = (rule for rule in rules if rule.set_status == "resolved" and rule.name in here.waiting)
    at = [here.waiting[rule.name] for rule in ends if not why_not(rule, here, language)]
    return moment(min(at)) if at else None
