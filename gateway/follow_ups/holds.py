"""Pure: whether the reason of a follow-up still holds, and what speaks against it."""

from __future__ import annotations

from typing import Final

from gateway.follow_ups.pressed import wants_person
from gateway.team.route import Mode, is_sensitive
from scheduler.rules import PROMISED, TOLD, UNANSWERED, UPDATE, Rule
from store import rows
from store.cases import Standing

OWED: Final = "the customer waits for our answer"
_CLOSING: Final = "closing"  # the template that tells of the end


def held_back(rule: Rule, here: Standing, mode: Mode) -> str:
    """Why nothing is said by ourselves in such a case; "" where something may be."""
    if is_sensitive(here.case):
        return "a sensitive case: a person speaks here"
    if wants_person(here.case) and rule.when not in (PROMISED, TOLD, UPDATE):
        return "the customer asked for a person, who speaks here"
    if mode == "silence":
        return "the route asks for silence"
    return OWED if rule.send == _CLOSING and here.case.unanswered_since else ""


def as_if(here: Standing) -> Standing:
    """How a case would stand if what is only watched had been said."""
    return here._replace(
        automatic_today=here.automatic_today + here.watched_today,
        surveyed=here.surveyed or here.watched_survey,
    )


def is_over(rule: Rule, case: rows.Case) -> str:
    """Why the reason of a row does not hold any more; "" while it does."""
    if rule.when == TOLD:
        holds = rule.name in (f"notice.status {case.status}", f"notice.stage {case.stage}")
        return "" if holds else "it is otherwise now"
    if rule.when == UPDATE:
        return "" if case.next_update_by else "no word is owed any more"
    if rule.when in (UNANSWERED, PROMISED):
        return "" if case.unanswered_since else "it is answered"
    return "" if case.status == rule.when else f"the case is {case.status} now"


def reason(rule: Rule) -> str:
    """What makes us speak, in words."""
    if rule.when == TOLD:
        return "somebody changed the case"
    if rule.when == PROMISED:
        return "nobody has answered, and the promised time is near"
    if rule.when == UPDATE:
        return "nobody has written, and the time that was said is near"
    return "nobody has answered" if rule.when == UNANSWERED else f"the case is {rule.when}"
