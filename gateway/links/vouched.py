"""What a platform knows of a writer besides: another address or number, and whose that is with us."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

import structlog
from sqlalchemy import Connection

from gateway.desk.speak import Who
from gateway.links import join
from gateway.matching.author import is_ours
from gateway.matching.place import person_of
from gateway.record import storable
from normalizer.message import Identity, Message
from store import links
from store.known import Arrival, Changes, Known

log = structlog.get_logger()


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
    names = frozenset(storable(str(one)) for one in (author, *theirs))
    for one in theirs:
        changes.then(
            partial(
                _join, author=person.identity_id, kind=author.kind, address=one, names=names,
                arrival=arrival,
            )
        )  # fmt: skip


def _join(
    connection: Connection, changes: Changes, *, author: int, kind: str, address: Identity,
    names: frozenset[str], arrival: Arrival,
) -> None:  # fmt: skip
    who = Who("", "", arrival.at)
    why = f"the platform of {arrival.channel} knows both as one person's"
    found = links.addressed(connection, storable(str(address)))
    if found is None:
        join.add(connection, changes, author, address, "platform", why, who)
    elif _has_gone_on(connection, author, found, kind, names):
        log.info("link.left_apart", channel=arrival.channel, identity_id=found)
    else:
        # The conversation that has been there for longer goes on.
        kept, other = sorted((author, found))
        join.join(connection, changes, join.Join(kept, other, "platform", why, who))


def _has_gone_on(
    connection: Connection, author: int, found: int, kind: str, names: frozenset[str]
) -> bool:
    """Whether a number is another's by now: it stood with another account of the same platform.

    Carriers give numbers out again, and the next owner is a stranger to the first one's words.
    """
    if links.owner(connection, author) == links.owner(connection, found):
        return False
    return not links.accounts(connection, found, kind) <= names
