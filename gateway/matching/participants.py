"""Pure: who else may write in a case: another author who holds a token of ours, or was let in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gateway import record
from gateway.authenticate import named, written
from gateway.matching.author import is_robot
from normalizer.message import NULL_SENDER, Message, Transport
from store import rows
from store.known import Arrival, Author, Changes, Given, Known, Offered, Person, Token
from store.rows import instant

Check = Callable[[str, str], Token | None]

_MOST = 20  # tokens of one mail that are looked up; a long thread names the latest first
_MACHINES = re.compile(
    r"(?:accounts?|auth|codes?|confirm(?:ation)?|log-?in|notify|notifications?|otp|passwords?"
    r"|register|security|sign-?(?:in|up)|system|verif(?:y|ication)|welcome)(?:[-+._].*)?\Z",
    re.IGNORECASE,
)
_SECRETS = re.compile(
    r"\b(?:verification|security|one-?time|confirmation|access|log-?in|sign-?in)[ -]"
    r"(?:code|link|password|pin)\b|\bpasscode\b|\bmagic link\b"
    r"|\byour (?:\S+ )?code is\b|\b(?:reset|confirm|verify) your (?:e-?mail|password|account)\b"
    r"|(?:認証|確認|ログイン)(?:用)?(?:コード|番号)|ワンタイムパスワード|パスワードの?(?:再設定|リセット)",
    re.IGNORECASE,
)

_ADDRESS = re.compile(r"[^\s<>\"(),;:@]+@[^\s<>\"(),;:@]+")


class Door(NamedTuple):
    """A case of somebody else's that the author may write in; `evidence` if he was not let in yet."""

    case: rows.Case
    reason: str
    evidence: str = ""


def offered(message: Message, transport: Transport, author: Author) -> tuple[Offered, ...]:
    """The tokens that the store is asked about: who they were really given to.

    They are looked up for an authenticated person only, and for our own mail that came back.
    """
    texts = [_itself(message)]
    if author.authenticated and not _is_sensitive(message, transport, author):
        names = (message.in_reply_to, *reversed(message.references))
        texts += written(names, transport.recipients)
    return tuple(filter(None, map(named, dict.fromkeys(texts[: _MOST + 1]))))


def _is_sensitive(message: Message, transport: Transport, author: Author) -> bool:
    """What nobody wrote by hand, what only its addressee may read, and what imitates others.

    A stranger can have login codes sent to a reply address of ours; such mail answers nothing.
    """
    address = author.identity.address if author.identity else ""
    if message.automatic.is_auto or message.automatic.suppress_reply:
        return True
    if any(shown.lower() != address for shown in _ADDRESS.findall(author.name)):
        return True  # a name that shows another address is made to be mistaken
    if transport.sender == NULL_SENDER or is_robot(address) or is_robot(transport.sender):
        return True
    if message.in_reply_to or message.references:
        return False
    words = f"{message.subject}\n{message.text[:4000]}"
    return bool(_MACHINES.match(address.rpartition("@")[0]) or _SECRETS.search(words))


def doors(
    known: Known, arrival: Arrival, message: Message, person: Person, check: Check
) -> Iterator[Door]:
    """Cases that our tokens open to the author, his own or another's, the surest first.

    Whom a person has shown out, no token lets in again.
    """
    for door in _open(known, arrival, message, person, check):
        if (door.case.id, person.identity_id) not in known.barred:
            yield door


def _open(
    known: Known, arrival: Arrival, message: Message, person: Person, check: Check
) -> Iterator[Door]:
    may_join = arrival.author.authenticated and not message.automatic.is_auto
    for token in arrival.tokens:
        # We wrote to this very address about the case; in another's case, a person decided that.
        # Customers taken apart since then share no case any more: it is where our message stands.
        said = known.given.get(token.message_id)
        case = known.cases.get((said and said.case_id) or token.case_id)
        if case and (may_join or _is_in(known, case, person)):
            yield _door(known, case, person, "a token of ours, given to this address")
    if not arrival.author.authenticated:
        return
    for offer in arrival.offered:
        if offer.text == _itself(message):
            continue
        found = known.given.get(offer.message_id)
        case = known.cases.get(found.case_id or 0) if found else None
        if found and case and _holds(offer, found, arrival, check):
            why = f"a token of ours, given to another address (message {offer.message_id})"
            yield _door(known, case, person, why)
    for name in (message.in_reply_to, *reversed(message.references)):
        for seen in known.message_ids.get(name, ()):
            case = known.cases.get(seen.case_id or 0)
            if case and (case.id, person.identity_id) in known.admitted:
                yield Door(case, "a participant, by References")


def _is_in(known: Known, case: rows.Case, person: Person) -> bool:
    own = case.conversation_id == person.conversation_id
    return own or (case.id, person.identity_id) in known.admitted


def _door(known: Known, case: rows.Case, person: Person, why: str) -> Door:
    return Door(case, why, evidence="" if _is_in(known, case, person) else why)


def _holds(token: Offered, found: Given, arrival: Arrival, check: Check) -> bool:
    """Whether the token is the one of that message, on the channel where it was given out.

    What we write to colleagues admits nobody: only a customer's case has participants.
    """
    return (
        found.channel == arrival.channel
        and found.kind not in {"note", "notice"}
        and any(check(token.text, address) is not None for address in found.addresses)
    )


def came_back(known: Known, arrival: Arrival, message: Message) -> Given | None:
    """Our own mail as we sent it; its Message-ID alone is something that others may have seen."""
    token = named(_itself(message))
    found = known.given.get(token.message_id) if token and token in arrival.offered else None
    same = found is not None and found.message_id == message.message_id
    return found if found and same and _words(found.text) == _words(message.text) else None


def _itself(message: Message) -> str:
    return message.message_id.partition("@")[0]


def _words(text: str) -> list[str]:
    return text.split()


def join(
    known: Known, arrival: Arrival, door: Door, person: Person, message_id: int, changes: Changes
) -> None:
    """Make the author a participant: shown, and written to only when a person says so."""
    at = instant(arrival.at)
    row = rows.Participant(
        changes.new_id(), door.case.id, person.identity_id, door.evidence, at, None
    )
    changes.add(row)
    known.admitted.add((door.case.id, person.identity_id))
    record.event_row(
        changes, "participant.joined", door.case.conversation_id, at,
        case_id=door.case.id, identity_id=person.identity_id, message_id=message_id,
    )  # fmt: skip
