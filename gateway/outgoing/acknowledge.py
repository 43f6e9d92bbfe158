"""Pure: shall we answer by itself, and why not (RFC 3834, and notes on what went wrong elsewhere)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.alarm import Kind
from gateway.intake.question import Question
from gateway.matching.author import fold, is_ours, is_robot
from gateway.outgoing.crowd import ALIKE, BURST, SAME_WORDS, Crowd
from gateway.team.route import Mode
from normalizer.message import NULL_SENDER, Identity, Message
from store.known import Arrival, Budget, Spent

_ANSWERED = frozenset({"form", "from", "platform"})
NEW = "a new case"
WATCHING = "watching: an acknowledgement would have been sent"
_STRANGERS = "for unauthenticated senders this hour"
# Silences that a person should know of, by their reason.
ALARMS: Mapping[str, Kind] = {
    SAME_WORDS: "acknowledgements.robot",
    ALIKE: "acknowledgements.robot",
    BURST: "acknowledgements.robot",
    f"the budget {_STRANGERS} is spent": "acknowledgements.strangers",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of automatic messages; 0 means no limit. See `[acknowledge.limits]`."""

    per_sender_day: int = 5
    unauthenticated_day: int = 1
    unauthenticated_hour: int = 60
    per_conversation_day: int = 5
    per_domain_hour: int = 0
    global_minute: int = 0
    same_words_week: int = 0
    similar_week: int = 0
    newcomers_domain_hour: int = 0

    @property
    def counted(self) -> frozenset[Budget]:
        """What has to be counted before a decision; a budget without a limit costs nothing."""
        asked: dict[Budget, int] = {
            "sender_day": self.per_sender_day + self.unauthenticated_day,
            "conversation_day": self.per_conversation_day,
            "domain_hour": self.per_domain_hour,
            "unauthenticated_hour": self.unauthenticated_hour,
            "all_minute": self.global_minute,
        }
        return frozenset(name for name, limit in asked.items() if limit)

    def apply_to(self, arrival: Arrival) -> bool:
        """Whether such an author has a budget at all; who has none is not looked at as a crowd."""
        if arrival.author.authenticated:
            return self.per_sender_day > 0
        return self.unauthenticated_hour > 0


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that the decision rests on."""

    arrival: Arrival
    message: Message
    own: Collection[Identity]
    enabled: bool
    mode: Mode
    to_blind_copies: bool
    is_new_case: bool
    conversation_id: int
    failing: bool
    distrusted: bool
    echo: str = ""
    newcomer: bool = False
    crowd: Crowd = field(default_factory=Crowd)


class Decision(NamedTuple):
    """Whether to acknowledge, to whom, and the reason that `madoguchi why` shows.

    `watched`: it is written, and kept to be looked at.
    """

    send: bool
    reason: str
    to: str = ""
    template: str = ""
    offers: bool = False
    questions: tuple[Question, ...] = ()
    watched: bool = False


def decide(asked: Asked, limits: Limits, spent: Spent) -> Decision:
    """The first reason for silence, or an acknowledgement to the author's own address."""
    finders = (_not_ours_to_answer, _automatic, _delivery, _echo, _budgets(limits, spent), _crowd)
    for find in finders:
        if reason := find(asked):
            return Decision(False, reason)
    if asked.mode == "silence":
        return Decision(False, "the route asks for silence")
    if asked.mode == "watch":
        to = recipient(asked.message)
        return Decision(False, WATCHING, to, watched=True)
    return Decision(True, NEW, recipient(asked.message))


def recipient(message: Message) -> str:
    """Who would be answered: the address in From, never Reply-To, which anybody may point at anybody.

    A form that a rule knows stands between: there it is the customer whom the form names.
    """
    return whom(message).address


def whom(message: Message) -> Identity:
    """As `recipient`, with the kind of channel; an empty address if there is nobody."""
    answered = (claim.identity for claim in message.claims if claim.source in _ANSWERED)
    return next(answered, Identity("email", ""))


def budget(message: Message) -> tuple[str, str]:
    """The folded address and the domain that an answer would be counted for."""
    return budget_of(whom(message))


def budget_of(identity: Identity) -> tuple[str, str]:
    """The key and the domain that a message to somebody is counted for; "" for nobody."""
    if identity.kind != "email":
        return str(identity), identity.kind
    address = identity.address
    return fold(address) if address else "", address.rpartition("@")[2]


def _not_ours_to_answer(asked: Asked) -> str:
    if not asked.enabled:
        return "acknowledgements are off"
    if asked.arrival.history:
        return "history: it was there before us"
    if asked.message.unreadable:
        return "it could not be read"
    if not asked.is_new_case:
        return "not a new case"
    if not recipient(asked.message):
        return "there is no address to answer"
    if is_ours(whom(asked.message), asked.own):
        return "From is our own address"
    return asked.arrival.author.reason if asked.arrival.author.identity is None else ""


def _automatic(asked: Asked) -> str:
    automatic = asked.message.automatic
    why = f": {automatic.reasons[0]}" if automatic.reasons else ""
    if automatic.is_auto:
        return f"automatic mail ({automatic.kind}){why}"
    if automatic.suppress_reply:
        return f"it asks not to be answered{why}"
    if asked.arrival.transport.sender == NULL_SENDER:
        return "the return path is null"
    writer = whom(asked.message)
    mailboxes = (writer.address if writer.kind == "email" else "", asked.arrival.transport.sender)
    for address in mailboxes:
        if is_robot(address):
            return f"nobody reads {address}"
    return ""


def _delivery(asked: Asked) -> str:
    if asked.distrusted:
        return "DMARC failed, and the domain asks to distrust such mail"
    if asked.failing:
        return "mail to this address fails"
    if not asked.to_blind_copies and not _is_addressed_to(asked.message, asked.own):
        return "our address is not among To and Cc"
    return ""


def _echo(asked: Asked) -> str:
    return asked.echo


def _crowd(asked: Asked) -> str:
    return asked.crowd.why_not(asked.arrival, asked.message) if asked.newcomer else ""


def _is_addressed_to(message: Message, own: Collection[Identity]) -> bool:
    return whom(message).kind != "email" or any(
        is_ours(Identity("email", address.address.lower()), own)
        for address in (*message.to, *message.cc)
    )


def _budgets(limits: Limits, spent: Spent) -> Callable[[Asked], str]:
    def find(asked: Asked) -> str:
        key, domain = asked.arrival.budget
        known = asked.arrival.author.authenticated
        counted: Iterator[tuple[int, int, str]] = iter((
            (limits.per_sender_day, spent.sender_day[key], "for this sender today"),
            (0 if known else limits.unauthenticated_day, spent.sender_day[key],
             "for an unauthenticated sender today"),
            (0 if known else limits.unauthenticated_hour, spent.unauthenticated_hour,
             _STRANGERS),
            (limits.per_conversation_day, spent.conversation_day[asked.conversation_id],
             "for this conversation today"),
            (limits.per_domain_hour, spent.domain_hour[domain], "for this domain this hour"),
            (limits.global_minute, spent.all_minute, "for this minute"),
        ))  # fmt: skip
        full = (what for limit, used, what in counted if limit and used >= limit)
        return next((f"the budget {what} is spent" for what in full), "")

    return find


def count(spent: Spent, arrival: Arrival, conversation_id: int) -> None:
    """Enter a decided acknowledgement, so that the next mail of the same batch sees it."""
    key, domain = arrival.budget
    spent.sender_day[key] += 1
    spent.domain_hour[domain] += 1
    spent.conversation_day[conversation_id] += 1
    spent.unauthenticated_hour += not arrival.author.authenticated
    spent.all_minute += 1
