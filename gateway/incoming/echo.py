"""Pure: our own words come back by somebody to whom we did not say them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from gateway.authenticate import looks_like_a_token
from gateway.matching.place import Place
from gateway.words import Words
from normalizer.email.threading import mentions
from normalizer.message import Identity, Message
from store.known import Arrival, Known

_LOOKED_AT = 20_000  # characters of a text; what we say by ourselves is far shorter
_SHORTEST_MARK = 12


def marks(words: Words) -> tuple[str, ...]:
    """What stands in each acknowledgement of ours, whatever it tells, in each language.

    That is the last line, which says that a robot wrote it, and the subject that strangers read.
    """
    found = (
        mark for one in words.each for language in one.languages for mark in one.unchanging(language)
        if len(mark) >= _SHORTEST_MARK and not any(c.isdigit() for c in mark)
    )  # fmt: skip
    return tuple(sorted(set(found)))


def carried(message: Message, ours: Sequence[str]) -> tuple[str, ...]:
    """The references beside words of ours, quoted or not; whether they are real is to be looked up."""
    text = message.text[:_LOOKED_AT]
    if any(mark in text or mark in message.subject for mark in ours):
        return mentions(message.subject, text)
    return ()


def heard(
    known: Known, arrival: Arrival, message: Message, where: Place, own: Collection[Identity]
) -> str:
    """Why a new case is an echo and no new matter; "" if it is none.

    A robot with a new address for each mail looks like this, and so does a customer who answers
    from a second account. Both have been told already, so it is only not said again.
    """
    if arrival.tokens or where.case.linked_case_id:
        return ""
    if _names_ours(message, arrival.transport.recipients, own):
        return "it answers what we said to somebody else"
    elsewhere = (
        case for case in known.cases.values() if case.conversation_id != where.conversation_id
    )
    if arrival.echoes and any(case.reference in arrival.echoes for case in elsewhere):
        return "it carries what we said to somebody else"
    return ""


def _names_ours(message: Message, recipients: Iterable[str], own: Collection[Identity]) -> bool:
    """Whether a Message-ID or a reply address is made like ours.

    Nobody need check the token: who invents one only goes without an acknowledgement.
    """
    named = (message.message_id, message.in_reply_to, *message.references)
    if any(looks_like_a_token(id_.partition("@")[0]) and _is_at_home(id_, own) for id_ in named):
        return True
    tags = (address.rpartition("@")[0].rpartition("+")[2] for address in recipients)
    return any(map(looks_like_a_token, tags))


def _is_at_home(message_id: str, own: Collection[Identity]) -> bool:
    host = message_id.rpartition("@")[2].lower()
    return any(identity.address.rpartition("@")[2] == host for identity in own)
