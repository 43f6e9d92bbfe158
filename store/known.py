"""What a batch of arrivals needs to know, and what it changes: the shapes between SQL and rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Protocol

from sqlalchemy import Connection

from normalizer.message import Button, Identity, Message, Transport
from store import rows
from store.desk import Facts
from store.due import Cancel

Budget = Literal[
    "sender_day", "conversation_day", "domain_hour", "unauthenticated_hour", "all_minute"
]
Outcome = Literal["accepted", "duplicate", "refused", "quarantined"]


class Raw(NamedTuple):
    """Bytes by their SHA-256: in `data`, or already synced as a blob file when it is None."""

    sha256: str
    size: int
    data: bytes | None


class Token(NamedTuple):
    """One of our own keyed ids, checked: the case and the message of ours that it was given for."""

    case_id: int
    message_id: int


class Offered(NamedTuple):
    """What looks like one of our tokens, unchecked, and the message of ours that it names."""

    text: str
    message_id: int


class Given(NamedTuple):
    """A message of ours that an offered token names: where it stands, and to whom it went."""

    case_id: int | None
    channel: str
    kind: str
    message_id: str
    addresses: tuple[str, ...]
    text: str
    identity_id: int | None = None

    @property
    def is_to_colleague(self) -> bool:
        """Whether it went to one of us: a question, or word of what a customer wrote."""
        return self.kind in ("note", "notice") and self.identity_id is None


class Author(NamedTuple):
    """Who wrote, as far as anybody can say; without an identity, a customer of its own."""

    identity: Identity | None
    name: str = ""
    authenticated: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An envelope on its way into the store.

    `message` is None while nobody could read it yet; `rereads` is the id of a stored message that
    this reading shall replace; `budget` names who would get an answer (folded address, domain).
    `distrusted` says that the author's domain asks us to (DMARC); `history` is mail that was there
    before us: nothing is ever said about it. `form` holds the other fields of a web form, by name.
    `offered` are tokens that were given to somebody else, perhaps: only the store can tell.
    `held` are tokens given to the colleague whom From names, whoever wrote it.
    `taken_at` is our clock where the message had lain elsewhere since `received_at`. `echoes` are
    the references of cases that stand beside automatic words of ours. `spam` says who calls it
    spam, and why; `canary` how a mail of ours to ourselves came home. `gap` is how long after its
    last word a case goes on where there are no subjects. `results` is
    what each method of authentication found, as method, outcome, domain and reason; `doubtful`: that
    was a temporary error, so somebody shall look again. `code` is the SHA-256 of one by which the
    author shows to be somebody whom we know.
    """

    channel: str
    unit: str
    received_at: datetime
    transport: Transport
    raw: Raw
    message: Message | None
    parts: tuple[Raw, ...] = ()
    author: Author = Author(None)
    tokens: tuple[Token, ...] = ()
    offered: tuple[Offered, ...] = ()
    held: tuple[Token, ...] = ()
    budget: tuple[str, str] = ("", "")
    distrusted: bool = False
    history: bool = False
    rereads: int | None = None
    form: tuple[tuple[str, str], ...] = ()
    taken_at: datetime | None = None
    echoes: tuple[str, ...] = ()
    spam: str = ""
    format: str = "rfc5322"
    gap: timedelta | None = None
    canary: str = ""
    results: tuple[tuple[str, str, str, str], ...] = ()
    doubtful: bool = False
    code: str = ""

    @property
    def at(self) -> datetime:
        """When it came to us: what we do and promise counts from here."""
        return self.taken_at or self.received_at

    @property
    def fingerprint(self) -> str:
        """What a copy of this mail shares with it; the bytes themselves while nobody has read them."""
        read = self.message.fingerprint if self.message else ""
        return read or f"raw:{self.raw.sha256}"


class Accepted(NamedTuple):
    """How an arrival ended, and the message that it became."""

    message: int
    outcome: Outcome
    reason: str = ""


class Person(NamedTuple):
    """An identity with the customer and the conversation behind it; `name` is the one on record."""

    identity_id: int
    customer_id: int
    conversation_id: int
    language: str
    failing: bool
    name: str = ""


class Seen(NamedTuple):
    """A stored message that a Message-ID or a fingerprint leads to."""

    id: int
    conversation_id: int | None
    case_id: int | None
    fingerprint: str | None
    kind: str = ""


class Shown(NamedTuple):
    """A code that somebody shows, and whom we gave it to: where they stand, and on which channel."""

    proof: rows.Proof
    address: str
    customer_id: int
    conversation_id: int
    language: str
    channel: str
    reference: str
    mode: str


@dataclass(slots=True)
class Spent:
    """Automatic messages of the last day, for the budgets; only what the batch asks about."""

    sender_day: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    conversation_day: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    domain_hour: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    unauthenticated_hour: int = 0
    all_minute: int = 0


@dataclass(slots=True)
class Known:
    """The store's knowledge about a batch; rules add to it what the batch itself creates.

    `given` are messages of ours by id; `facts` are of the cases that colleagues answer in, by id;
    `surveys` are those that may be answered, by the id of the message that asks; `last_said` is the
    id of our last word, by conversation, and `last_told` its kind, where a messenger's few words may
    answer it.
    `admitted` are participants, as case and identity; `barred` those whom a person has shown out.
    `watched` is what would be spent if all that was only watched had been said, too.
    """

    units: dict[tuple[str, str], Accepted] = field(default_factory=dict)
    fingerprints: dict[str, Seen] = field(default_factory=dict)
    message_ids: dict[str, list[Seen]] = field(default_factory=lambda: defaultdict(list))
    people: dict[str, Person] = field(default_factory=dict)
    cases: dict[int, rows.Case] = field(default_factory=dict)
    given: dict[int, Given] = field(default_factory=dict)
    facts: dict[int, Facts] = field(default_factory=dict)
    admitted: set[tuple[int, int]] = field(default_factory=set)
    barred: set[tuple[int, int]] = field(default_factory=set)
    rereading: dict[int, rows.Message] = field(default_factory=dict)
    last_words: dict[int, str] = field(default_factory=dict)
    reported: dict[tuple[str, str], Seen] = field(default_factory=dict)
    choices: dict[tuple[int, str], tuple[Button, ...]] = field(default_factory=dict)
    surveys: dict[int, rows.Survey] = field(default_factory=dict)
    last_said: dict[int, int] = field(default_factory=dict)
    last_told: dict[int, str] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)
    kinds: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    spent: Spent = field(default_factory=Spent)
    watched: Spent = field(default_factory=Spent)


class Bounced(NamedTuple):
    """A message of ours that came back for good: from which recipients, and whether they are dead."""

    message_id: int
    recipients: tuple[str, ...]
    is_dead: bool
    at: str
    why: str


class Told(NamedTuple):
    """A message of ours that a platform could not deliver, and whether it never will."""

    message_id: int
    dead: bool
    at: str
    why: str


class Update(NamedTuple):
    """New values for some columns of one row."""

    table: str
    id: int
    values: dict[str, Any]


class Changes:
    """The rows that one transaction adds and updates; ids are given out in their order."""

    def __init__(self, last_id: int) -> None:
        self.last_id = last_id
        self.added: dict[type, list[tuple[Any, ...]]] = defaultdict(list)
        self.updated: list[Update] = []
        self.removed_parts: list[int] = []
        self.discarded: list[tuple[int, Accepted]] = []
        self.regraded: list[tuple[int, Outcome]] = []
        self.bounced: list[Bounced] = []
        self.cancelled: list[Cancel] = []
        self.told: list[Told] = []
        self.appended: list[tuple[int, str]] = []
        self.later: list[Callable[[Connection, Changes], object]] = []

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def add(self, row: tuple[Any, ...]) -> None:
        self.added[type(row)].append(row)

    def update(self, table: str, id_: int, **values: Any) -> None:
        self.updated.append(Update(table, id_, values))

    def cancel(self, case_id: int, rules: tuple[str, ...], at: str, reason: str) -> None:
        """What waited in a case need not happen any more."""
        if rules:
            self.cancelled.append(Cancel(case_id, rules, at, reason, self.last_id))

    def then(self, work: Callable[[Connection, Changes], object]) -> None:
        """Do what can only be decided once these rows are written, in the same transaction."""
        self.later.append(work)

    def append(self, message_id: int, text: str) -> None:
        """A further line of the same message, such as the caption of another picture."""
        self.appended.append((message_id, text))

    def regrade(self, message_id: int, outcome: Outcome) -> None:
        """A message was read again: its receipts tell how that ended."""
        self.regraded.append((message_id, outcome))

    def discard(self, message_id: int, instead: Accepted) -> None:
        """An unread message turned out to be none of its own: its receipts go to another."""
        self.discarded.append((message_id, instead))


class Plan(Protocol):
    """The rules: what one arrival changes. `counted` are the budgets that they ask about;
    `offers`: they ask by which kinds of identity an author is known; `watches`: some of what they
    would say is only kept to be looked at.
    """

    @property
    def counted(self) -> frozenset[Budget]: ...

    @property
    def offers(self) -> bool: ...

    @property
    def watches(self) -> bool: ...

    def __call__(self, known: Known, arrival: Arrival, changes: Changes) -> Accepted: ...
