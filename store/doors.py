"""What the rules ask about tokens in other hands: whom we gave them to, and who was let in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, bindparam, select

from store import desk, rows, schema
from store.known import Arrival, Given, Known
from store.prepared import Prepared

_m, _p = schema.messages.c, schema.participants.c
_GIVEN = Prepared(
    select(
        _m.id,
        _m.case_id,
        _m.channel,
        _m.kind,
        _m.message_id,
        _m.recipients,
        _m.text,
        _m.identity_id,
    ).where(_m.id.in_(bindparam("ids", expanding=True)), _m.direction == "out")
)
_ADMITTED = Prepared(
    select(_p.case_id, _p.identity_id, _p.removed_at).where(
        _p.case_id.in_(bindparam("cases", expanding=True))
    )
)


class _Recipients(msgspec.Struct):
    to: list[tuple[str, str]] = []
    cc: list[tuple[str, str]] = []


def load_given(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    """The messages of ours that tokens name; most mails have none."""
    ids = {one.message_id for arrival in arrivals for one in arrival.offered}
    ids |= {one.message_id for a in arrivals for one in (*a.tokens, *a.held)}
    if not ids:
        return
    for id_, case_id, channel, kind, message_id, recipients, text, identity in _GIVEN.run(
        connection, ids=sorted(ids)
    ):
        addresses = _addresses(recipients)
        known.given[id_] = Given(case_id, channel, kind, message_id, addresses, text, identity)


def load_facts(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    """The cases in which a colleague may be about to answer a customer."""
    for token in (token for arrival in arrivals for token in arrival.held):
        given = known.given.get(token.message_id)
        if given and given.is_to_colleague and token.case_id not in known.facts:
            found = desk.facts(connection, token.case_id)
            if found:
                known.facts[token.case_id] = found


def _addresses(recipients: str) -> tuple[str, ...]:
    """To and Cc, as written and in lower case: a token is made for either."""
    try:
        found = msgspec.json.decode(recipients, type=_Recipients)
    except msgspec.MsgspecError:
        return ()
    written = [address for _, address in (*found.to, *found.cc)]
    return tuple(dict.fromkeys((*written, *map(str.lower, written))))


def load_admitted(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    """Who was let in to the cases of others that these arrivals name."""
    cases = {id_ for arrival in arrivals for id_ in _elsewhere(arrival, known)}
    if not cases:
        return
    for case, identity, removed_at in _ADMITTED.run(connection, cases=sorted(cases)):
        (known.barred if removed_at else known.admitted).add((case, identity))


def participant(connection: Connection, case_id: int, identity_id: int) -> rows.Participant | None:
    """Who was let in to a case, also if he was shown out since."""
    query = select(schema.participants).where(_p.case_id == case_id, _p.identity_id == identity_id)
    row = connection.execute(query).first()
    return rows.Participant(*row) if row else None


def _elsewhere(arrival: Arrival, known: Known) -> Iterable[int]:
    person = known.people.get(str(arrival.author.identity))
    if person is None or arrival.message is None:
        return
    named = {token.case_id for token in arrival.tokens}
    named |= {
        given.case_id or 0 for o in arrival.offered if (given := known.given.get(o.message_id))
    }
    if arrival.author.authenticated:
        names = (arrival.message.in_reply_to, *arrival.message.references)
        named |= {seen.case_id or 0 for name in names for seen in known.message_ids.get(name, ())}
    for id_ in named:
        case = known.cases.get(id_)
        if case and case.conversation_id != person.conversation_id:
            yield id_
