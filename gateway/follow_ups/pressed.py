"""Pure: what it means that a customer pressed a button below our words.

A press is never an authority: it acts on a case of the presser's own conversation, and on no other.
Votes are told by `gateway.surveys`; another word is a word like any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.follow_ups.follow import Follow
from gateway.record import event_row, to_json
from gateway.team.roster import About
from normalizer.message import Message
from store import rows
from store.known import Arrival, Changes, Known
from store.rows import SETTLED, instant

PERSON: Final = "person"  # the word, and the tag of a case in which a person was asked for
SOLVED: Final = "solved"
STUCK: Final = "stuck"
_SHOWN: Final = frozenset({"status", "tags", "next_update_by", "waiting_for"})


@dataclass(frozen=True, slots=True)
class Press:
    """Who pressed what, the message that it became, and the case that it is about.

    `waited`: an earlier word of the customer's was waiting for an answer already.
    """

    word: str
    arrival: Arrival
    message_id: int
    case: rows.Case
    follow: Follow | None
    waited: bool = False


class Meaning(Protocol):
    def __call__(self, press: Press, changes: Changes) -> rows.Case:
        """The case as it is then."""
        ...


def is_no_question(message: Message) -> bool:
    """Whether nobody has to answer it: such a press opens, reopens and cancels nothing."""
    return message.pressed == SOLVED


def wants_person(case: rows.Case) -> bool:
    """Whether the customer asked for a person: nobody else asks anything any more."""
    return PERSON in json.loads(case.tags)


def act(known: Known, press: Press, changes: Changes) -> rows.Case:
    """Do what the button says; a word that is nobody's changes nothing."""
    meaning = MEANINGS.get(press.word)
    if meaning is None:
        return press.case
    after = known.cases[press.case.id] = meaning(press, changes)
    _tell(changes, "button.pressed", press, message_id=press.message_id, pressed=press.word)
    return after


def _person(press: Press, changes: Changes) -> rows.Case:
    """A person is wanted, now: whoever is reminded later is told at once."""
    if wants_person(press.case):
        return press.case
    _remind(press, changes)
    return _set(press, changes, tags=to_json([*json.loads(press.case.tags), PERSON]))


def _stuck(press: Press, changes: Changes) -> rows.Case:
    """What we took for settled is not."""
    if not press.waited:
        _remind(press, changes)
    if press.case.status != "on_hold":  # every other status is a new word's to change
        return press.case
    return _set(press, changes, status="open")


def _solved(press: Press, changes: Changes) -> rows.Case:
    """Nothing is left to do; but what the customer asked last is answered all the same."""
    if press.case.unanswered_since or press.case.status == "resolved":
        return press.case
    settled = {} if press.case.next_update_by is None else SETTLED
    at = instant(press.arrival.at)
    return _set(press, changes, status="resolved", resolved_at=at, **settled)


MEANINGS: Final[Mapping[str, Meaning]] = {PERSON: _person, SOLVED: _solved, STUCK: _stuck}


# What colleagues are told at once.
ABOUT: Final[Mapping[str, About]] = {PERSON: "person wanted", STUCK: "still stuck"}


def _remind(press: Press, changes: Changes) -> None:
    if press.follow:
        press.follow.wanted(press.case, press.arrival.at, press.message_id, changes)


def _set(press: Press, changes: Changes, **values: str | None) -> rows.Case:
    """Write new values, which the customer gave the case."""
    before, after = press.case, press.case._replace(**values)  # type: ignore[arg-type]  # texts all
    changes.update("cases", before.id, **values)
    if press.follow:
        press.follow.status_set(before.status, after, press.arrival.at, changes, "a button")
    shown = [name for name in values if name in _SHOWN]
    _tell(
        changes, "case.changed", press, by="customer",
        before={name: _shown(before, name) for name in shown},
        after={name: _shown(after, name) for name in shown},
    )  # fmt: skip
    return after


def _shown(case: rows.Case, name: str) -> object:
    value = getattr(case, name)
    return json.loads(value) if name == "tags" else value


def _tell(changes: Changes, kind: str, press: Press, **data: object) -> None:
    at, case = instant(press.arrival.at), press.case
    event_row(changes, kind, case.conversation_id, at, case_id=case.id, **data)
