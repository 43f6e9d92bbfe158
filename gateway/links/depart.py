"""Pure: what moves when identities leave one customer for another.

A message belongs to the identity that wrote it, or that it was written to. A case in which only
those wrote who leave goes with them; in one where others wrote, too, it stays, and what the
leaving wrote stands in a linked case of their own. Notes stay with their case, and so does what a
participant wrote there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from store import rows
from store.links import NOTHING, Party, Refiled, Standing, Trace, Word

NewCase = Callable[[rows.Case, Party], rows.Case]


class Departure(NamedTuple):
    """What moves: cases as a whole, messages to other cases, and the cases to open for these."""

    cases: tuple[int, ...]
    messages: tuple[Refiled, ...]
    opened: tuple[rows.Case, ...]
    guests: tuple[int, ...]


def depart(
    standing: Standing,
    leaving: Collection[int],
    new_case: NewCase,
    before: Trace = NOTHING,
) -> Departure:
    """What moves with the identities `leaving` from the standing's source to its target.

    `before` is the trace of a link that is undone by this: what it moved goes back where it was.
    """
    back = _back(standing, leaving, before)
    words = [
        word._replace(case_id=back.get(word.id, word.case_id))
        for word in standing.words
        if not _is_guest(standing, word, before)
    ]
    going = _going(standing, leaving, words, before)
    opened: dict[int, rows.Case] = {}
    moved = {word.id: (word.case_id, back[word.id]) for word in standing.words if word.id in back}
    for word in words:
        case = standing.cases[word.case_id]
        if _is_at_home(standing, case, word, leaving, going):
            continue
        if case.id not in opened:
            side = standing.target if word.identity_id in leaving else standing.source
            opened[case.id] = new_case(case, side)
        moved[word.id] = (case.id, opened[case.id].id)
    return Departure(
        going,
        tuple(Refiled(id_, *where) for id_, where in moved.items()),
        tuple(opened.values()),
        _guests(standing),
    )


def _is_guest(standing: Standing, word: Word, before: Trace) -> bool:
    """Whether somebody wrote in another's case as a participant: that stays with the case."""
    return word.id in before.guests or (word.case_id, word.identity_id) in standing.admitted


def _back(standing: Standing, leaving: Collection[int], before: Trace) -> Mapping[int, int]:
    """The messages that return to the case from which a link took them, by id."""
    target = standing.target
    there = {*leaving, *target.identities}
    wanted = {one.id: one for one in before.messages}
    return {
        word.id: one.was
        for word in standing.words
        if (one := wanted.get(word.id))
        and word.case_id == one.now
        and word.identity_id in there
        and (case := standing.cases.get(one.was))
        and (case.conversation_id == target.conversation_id or case.id in before.cases)
    }


def _going(
    standing: Standing, leaving: Collection[int], words: Collection[Word], before: Trace
) -> tuple[int, ...]:
    """The cases that go as a whole."""
    members = frozenset(standing.source.identities)
    writers: dict[int, set[int]] = {}
    for word in words:
        if word.identity_id in members:
            writers.setdefault(word.case_id, set()).add(word.identity_id)
    returning = {*before.cases, *before.made}
    return tuple(
        case.id
        for case in standing.cases.values()
        if case.conversation_id == standing.source.conversation_id
        and (
            members.issubset(leaving)
            or case.id in returning
            or (case.id in writers and writers[case.id].issubset(leaving))
        )
    )


def _is_at_home(
    standing: Standing,
    case: rows.Case,
    word: Word,
    leaving: Collection[int],
    going: Collection[int],
) -> bool:
    """Whether a message will stand in its own customer's conversation."""
    if case.conversation_id != standing.source.conversation_id:
        return True
    if word.identity_id not in standing.source.identities:
        return True  # of the target's, who wrote here before
    return (case.id in going) == (word.identity_id in leaving)


def _guests(standing: Standing) -> tuple[int, ...]:
    """What either of the two wrote in the other's cases, before they became one."""
    homes = {i: party.conversation_id for party in standing[:2] for i in party.identities}
    return tuple(
        word.id
        for word in standing.words
        if homes[word.identity_id] != standing.cases[word.case_id].conversation_id
    )
