"""Pure: what of a case is known, what is still to be asked, and when to stop asking."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from gateway.intake.question import Question
from gateway.record import event_row, storable, to_json
from gateway.team.route import SENSITIVE
from normalizer.message import Button, Message
from store import rows
from store.known import Arrival, Changes
from store.rows import instant

ANSWER: Final = "answer"  # the data of a button whose label is the answer
# Tags of cases in which nobody asks but a person; the second, because the customer wants one.
_HELD_BACK: Final = frozenset({SENSITIVE, "person", "automatic"})


@dataclass(frozen=True, slots=True)
class Intake:
    """The questions in their order; on the channels of `stepwise` one is asked after the other."""

    questions: tuple[Question, ...]
    stepwise: frozenset[str] = frozenset()

    def learned(self, message: Message, case: rows.Case, *, is_new: bool) -> dict[str, str]:
        """What a message tells that is not known yet, asked for or not; robots tell nothing."""
        if message.automatic.is_auto or message.unreadable:
            return {}
        known, asking = json.loads(case.attributes), json.loads(case.asking)
        text = message.reply_text or message.text
        whole = f"{message.subject}\n{text}" if is_new else text
        found = {
            one.name: storable(one.find(whole, asked=one.name in asking))
            for one in self.questions
            if one.name not in known
        }
        return {name: value for name, value in found.items() if value}

    def missing(self, case: rows.Case, arrival: Arrival) -> tuple[Question, ...]:
        """What to ask in a new case: nothing of strangers, nor where a person speaks at once."""
        known, tags = json.loads(case.attributes), json.loads(case.tags)
        if not arrival.author.authenticated or not _HELD_BACK.isdisjoint(tags):
            return ()
        return tuple(
            one
            for one in self.questions
            if one.name not in known and one.concerns(tags, arrival.channel)
        )

    def following(self, message: Message, case: rows.Case) -> tuple[Question, ...]:
        """What is left to ask after an answer, the next first; any other word ends the asking."""
        waiting, *rest = json.loads(case.asking)
        known, tags = json.loads(case.attributes), json.loads(case.tags)
        is_answer = waiting in known and message.pressed in ("", ANSWER)
        if not is_answer or not _HELD_BACK.isdisjoint(tags):
            return ()
        return tuple(o for name in rest for o in self.questions if o.name == name not in known)


def learn(
    case: rows.Case, found: dict[str, str], arrival: Arrival, changes: Changes, *, is_new: bool
) -> rows.Case:
    """Write down what a customer told; of a new case its opening tells."""
    before = json.loads(case.attributes)
    after = before | found
    changes.update("cases", case.id, attributes=to_json(after))
    if not is_new:
        event_row(
            changes, "case.changed", case.conversation_id, instant(arrival.at),
            case_id=case.id, by="customer", before={"attributes": before},
            after={"attributes": after},
        )  # fmt: skip
    return case._replace(attributes=to_json(after))


def waits_for(case: rows.Case, questions: tuple[Question, ...], changes: Changes) -> rows.Case:
    """Write down what is asked, one after the other, the first of which waits for its answer."""
    asking = to_json([one.name for one in questions])
    if asking != case.asking:
        changes.update("cases", case.id, asking=asking)
    return case._replace(asking=asking)


def buttons(question: Question) -> tuple[Button, ...]:
    """What may be pressed in place of writing an answer."""
    return tuple(Button(value, ANSWER) for value in question.choices)
