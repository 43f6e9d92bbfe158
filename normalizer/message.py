"""The vocabulary: what arrives, what it says, and what we send."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal, NamedTuple

Kind = Literal["message", "acknowledgement", "follow_up", "notice", "reply", "note", "survey"]
AutoKind = Literal[
    "human", "auto-reply", "auto-generated", "list", "bulk", "dsn", "mdn", "feedback-report"
]
Role = Literal["text", "html", "inline", "attachment"]
Label = Literal[
    "new", "inline-answer", "quote", "attribution", "signature", "disclaimer", "forwarded"
]


class Identity(NamedTuple):
    """One address of somebody on one kind of channel; unique, printed as `email:yuki@example.jp`."""

    kind: str
    address: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.address}"

    @classmethod
    def parse(cls, text: str) -> Identity:
        kind, _, address = text.partition(":")
        return cls(kind, address)


class Address(NamedTuple):
    """A mailbox as a header shows it: the display name (may be empty) and the address."""

    name: str
    address: str


class Spooled(NamedTuple):
    """Bytes that are too large to carry about: a synced file, its length in octets, its SHA-256."""

    path: str
    size: int
    sha256: str


class Claim(NamedTuple):
    """Somebody who may have written a message, and what says so: a header (`from`, `reply-to`, …).

    `platform` is the word of a service that people sign in to, over a connection that proves it.
    """

    source: str
    identity: Identity
    name: str


class Span(NamedTuple):
    """A stretch `text[start:end]` of a message's text and what it is; spans cover the whole text."""

    start: int
    end: int
    label: Label


class Automatic(NamedTuple):
    """Whether a robot wrote it, and whether it asks not to be acknowledged: two different things."""

    is_auto: bool = False
    kind: AutoKind = "human"
    suppress_reply: bool = False
    reasons: tuple[str, ...] = ()


class FailedRecipient(NamedTuple):
    """One recipient of a delivery report (RFC 3464 section 2.3)."""

    address: str
    action: str = ""
    status: str = ""
    diagnostic: str = ""


class Bounce(NamedTuple):
    """A delivery report: who was not reached, for good or for now, and which mail of ours it was."""

    recipients: tuple[FailedRecipient, ...]
    status: str = ""
    action: str = ""
    permanent: bool | None = None
    kind: Literal["hard", "soft", ""] = ""
    original_message_id: str = ""


class Seal(NamedTuple):
    """A signature of `domain` over a mail (RFC 6376): what its key is to be checked against.

    `digest` is the SHA-256 of what was signed. `exact`: it speaks for the domain itself, not for one
    below it. `expires` counts seconds since 1970. With an `outcome` it does not count, for `reason`.
    """

    domain: str
    selector: str = ""
    algorithm: str = ""
    digest: bytes = b""
    signature: bytes = b""
    exact: bool = True
    expires: int | None = None
    outcome: str = ""
    reason: str = ""


class Hop(NamedTuple):
    """A server that passed a mail on (ARC, RFC 8617): its seal, and its ARC-Authentication-Results."""

    seal: Seal
    results: str


class Chain(NamedTuple):
    """The hops that sealed a mail, the newest last, and the newest one's signature over the mail.

    With a `flaw` the chain is broken whatever its keys say, and holds nothing.
    """

    hops: tuple[Hop, ...] = ()
    signature: Seal | None = None
    flaw: str = ""


class Report(NamedTuple):
    """What a platform says of a message of ours, by the platform's own id for it."""

    peer_id: str
    state: Literal["delivered", "read", "failed"]
    error: str = ""
    address_dead: bool = False


class Button(NamedTuple):
    """Something that a customer may press below our words: a choice, or the way to a page.

    `data` comes back as the pressed message's `pressed`: a plain word such as `solved` or `vote:5`.
    It is no authority, for anybody may send it; what it is about is found in the presser's own
    conversation. With a `url` nothing comes back.
    """

    label: str
    data: str = ""
    url: str = ""


NULL_SENDER = "<>"  # MAIL FROM:<>, the reverse-path of notifications (RFC 5321 section 4.5.5)


class Transport(NamedTuple):
    """What the wire knows of an envelope; what a channel does not have stays empty.

    `sender` is MAIL FROM, or NULL_SENDER where that is `<>`. `sent`: it lay in our Sent folder, so
    one of us wrote it. `history`: it was there before we looked for the first time.
    """

    peer: str = ""
    helo: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    tls: str = ""
    user: str = ""
    sent: bool = False
    history: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What arrived, before anybody has read it; its repr holds none of the customer's words.

    `unit` names the transport unit within its channel (an SMTP transaction, UIDVALIDITY:UID, an
    update id); the ledger holds it once. `received_at` is in UTC: our own clock, or that of the
    mailbox which took the message in before us.
    """

    channel: str
    format: str
    raw: bytes | Spooled = field(repr=False)
    unit: str
    received_at: datetime
    transport: Transport = Transport()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One body or attachment, flat, with a role; its bytes are known by their SHA-256 (hex).

    What its channel has yet to fetch is pending: `source` says from where, and there are no bytes.
    """

    role: Role
    content_type: str
    size: int
    sha256: str
    data: bytes | Spooled = field(repr=False)
    filename: str = ""
    content_id: str = ""
    source: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _part, _part_values(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What an envelope says, or what we send: the same shape for every channel.

    Message-IDs are without angle brackets. `claims` are candidates for the author, strongest
    first; a From that is missing, malformed or names several mailboxes makes no claim. `trace` are
    the headers that servers add on the way (Received, Authentication-Results, what spam filters
    say) from the top, for whoever knows which hop to trust; `seals` its signatures, and `chain`
    those of servers that passed it on, whose keys nobody has looked up yet. `edits` is the Message-ID of an earlier wording, `group` that of the
    album which a message belongs to. An `aside` (a sticker, a reaction, somebody joined) is no
    matter of its own. `report` tells how a message of ours fared. `unsubscribe` is where a click
    ends what the customer agreed to hear. `buttons` go
    below what we say, where a channel has them; `pressed` is the data of the one that a customer
    chose, whose label is then the text, and `in_reply_to` the message that held it. `verified` are other
    identities that the platform itself knows to be the author's, never what somebody typed. `fields`
    are what a form says beside the text, by name. `fingerprint` is equal for copies
    of one mail whatever way they took. `unreadable` says why a mail could not be read; such a
    message is quarantined.
    """

    kind: Kind = "message"
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    from_: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    claims: tuple[Claim, ...] = ()
    subject: str = ""
    base_subject: str = ""
    date: datetime | None = None
    text: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    reply_text: str = field(default="", repr=False)
    spans: tuple[Span, ...] = ()
    language: str = ""
    parts: tuple[Part, ...] = ()
    automatic: Automatic = Automatic()
    bounce: Bounce | None = None
    mentions: tuple[str, ...] = ()
    trace: tuple[tuple[str, str], ...] = ()
    edits: str = ""
    group: str = ""
    aside: bool = False
    report: Report | None = None
    buttons: tuple[Button, ...] = ()
    unsubscribe: str = ""
    pressed: str = ""
    verified: tuple[Identity, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    seals: tuple[Seal, ...] = ()
    chain: Chain | None = None
    defects: tuple[str, ...] = ()
    fingerprint: str = ""
    unreadable: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _message, _message_values(self)


# A dataclass pickles its state field by field in Python; every mail crosses a pipe, so the two
# that carry mail go as one call with their values.
_message_values = attrgetter(*Message.__dataclass_fields__)
_part_values = attrgetter(*Part.__dataclass_fields__)


def _message(*values: Any) -> Message:
    return Message(**dict(zip(Message.__dataclass_fields__, values, strict=True)))


def _part(*values: Any) -> Part:
    return Part(**dict(zip(Part.__dataclass_fields__, values, strict=True)))
