"""What messengers need that mail does not: last words, albums, and reports by a platform's own id."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, case, func, select, text, tuple_, update

from normalizer.message import Button
from store import schema
from store.known import Arrival, Changes, Known, Seen

_A_FEW_WORDS = 40  # characters of a label, or of its number
# As the partial index says it: ids that platforms give, not those of mail servers.
_PLATFORM = text("outbox.peer_id <> '' AND outbox.domain NOT LIKE '%.%'")
_m, _o, _i = schema.messages.c, schema.outbox.c, schema.identities.c


def load_last_words(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    """When each case of these authors last heard a word, where a channel goes by that."""
    people = (known.people.get(str(a.author.identity)) for a in arrivals if a.gap)
    here = sorted({person.conversation_id for person in people if person})
    if here:
        query = (
            select(_m.case_id, func.max(_m.received_at))
            .where(_m.conversation_id.in_(here), _m.case_id.is_not(None))
            .group_by(_m.case_id)
        )
        known.last_words = {row[0]: row[1] for row in connection.execute(query)}


def load_reported(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    """The messages of ours that these reports are about, or that a messenger's messages answer."""
    asked = sorted(set(_named(arrivals)))
    if asked:
        query = (
            select(_o.channel, _o.peer_id, _m.id, _m.conversation_id, _m.case_id, _m.kind)
            .join(schema.messages, _m.id == _o.message_id)
            .where(tuple_(_o.channel, _o.peer_id).in_(asked), _PLATFORM)
        )
        for channel, peer_id, id_, conversation, case, kind in connection.execute(query):
            known.reported[channel, peer_id] = Seen(id_, conversation, case, None, kind)


def load_choices(connection: Connection, arrivals: Sequence[Arrival], known: Known) -> None:
    """Our last word to these authors and the buttons below it, where a few words may answer it."""
    here = {
        person.conversation_id
        for arrival in arrivals
        if arrival.gap and arrival.message and 0 < len(arrival.message.text) <= _A_FEW_WORDS
        if (person := known.people.get(str(arrival.author.identity)))
    }
    if not here:
        return
    last = (
        select(func.max(_m.id))
        .where(
            _m.conversation_id.in_(sorted(here)),
            _m.direction == "out",
            _m.identity_id.is_not(None),  # to the customer, not to one of us
        )
        .group_by(_m.conversation_id)
    )
    query = select(_m.conversation_id, _m.channel, _m.kind, _m.buttons).where(_m.id.in_(last))
    for conversation, channel, kind, buttons in connection.execute(query):
        known.last_told[conversation] = kind
        found = tuple(Button(*one) for one in json.loads(buttons))
        if found:
            known.choices[conversation, channel] = found


def _named(arrivals: Sequence[Arrival]) -> Iterator[tuple[str, str]]:
    """Channels with a platform's ids, as it gave them to messages of ours."""
    for arrival in arrivals:
        if (message := arrival.message) is None:
            continue
        if message.report:
            yield arrival.channel, message.report.peer_id
        if message.in_reply_to and arrival.gap and arrival.author.authenticated:
            yield arrival.channel, message.in_reply_to


def tell(connection: Connection, changes: Changes) -> None:
    """Write what platforms reported, and the words that belong to an earlier message."""
    for told in changes.told:
        failed = update(schema.outbox).where(_o.message_id == told.message_id)
        astray = "address_dead" if told.dead else "undelivered"
        connection.execute(failed.values(state="failed", error=told.why, astray=astray))
        if told.dead:
            whose = select(_m.identity_id).where(_m.id == told.message_id).scalar_subquery()
            dead = update(schema.identities).where(_i.id == whose)
            connection.execute(dead.values(failing_since=func.coalesce(_i.failing_since, told.at)))
    for message_id, more in changes.appended:
        longer = update(schema.messages).where(_m.id == message_id)
        joined = case((_m.text == "", more), else_=_m.text + f"\n{more}")
        connection.execute(longer.values(text=joined))
