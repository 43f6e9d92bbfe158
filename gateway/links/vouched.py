"""What a platform knows of a writer besides: another address or number, and whose that is with us."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from sqlalchemy import Connection

from gateway.author import is_ours
from gateway.desk.speak import Who
from gateway.links import join
from gateway.place import person_of
from gateway.record import storable
from normalizer.message import Identity, Message
from store import links
from store.known import Arrival, Changes, Known


def vouched(
    known: Known, arrival: Arrival, message: Message, own: Collection[Identity], changes: Changes
) -> None:
    """Join the author with the identities that the platform knows to be theirs, once they are here."""
    author = arrival.author.identity
    if author is None or not arrival.author.authenticated or message.automatic.is_auto:
        return
    theirs = tuple(one for one in message.verified if one != author and not is_ours(one, own))
    if not theirs:
        return
    person = person_of(known, arrival, message, changes)
    for one in theirs:
        changes.then(partial(_join, author=person.identity_id, address=one, arrival=arrival))


def _join(
    connection: Connection, changes: Changes, *, author: int, address: Identity, arrival: Arrival
) -> None:
    who = Who("", "", arrival.at)
    why = f"the platform of {arrival.channel} knows both as one person's"
    found = links.addressed(connection, storable(str(address)))
    if found is None:
        join.add(connection, changes, author, address, "platform", why, who)
    else:
        # The conversation that has been there for longer goes on.
        kept, other = sorted((author, found))
        join.join(connection, changes, join.Join(kept, other, "platform", why, who))
