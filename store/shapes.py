"""What a reader of the store gets: one shape for SQL's rows, for the API's JSON and its schema."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

Instant = Annotated[str, Meta(description="ISO 8601 in UTC: 2026-11-21T09:00:00.000000Z")]
Cursor = Annotated[int | None, Meta(description="Give this as `after` to go on; null at the end.")]


class Shape(Struct, frozen=True, kw_only=True):
    """A value that is only ever read."""


class Identity(Shape, frozen=True, kw_only=True):
    """One address of a customer, with the kind of channel: `email:yuki@example.jp`."""

    id: int
    address: str
    name: str
    failing_since: Instant | None


class Customer(Shape, frozen=True, kw_only=True):
    """The person behind one or more identities."""

    id: int
    language: str
    created_at: Instant
    name: Annotated[
        str, Meta(description="By which we address them; empty until somebody says it.")
    ]


class Address(Shape, frozen=True, kw_only=True):
    """A mailbox as a header shows it."""

    name: str
    address: str


class Claim(Shape, frozen=True, kw_only=True):
    """Somebody who may have written the message, and the header that says so."""

    source: str
    identity: str
    name: str


class Author(Shape, frozen=True, kw_only=True):
    """Who wrote, as the message says, and whether that could be verified."""

    name: str = ""
    address: str = ""
    authenticated: bool = False


class MessageItem(Shape, frozen=True, kw_only=True):
    """A message as lists show it: `reply_text` is what was newly written, cut when it is long."""

    id: int
    conversation_id: int | None
    case_id: int | None
    channel: str
    direction: str
    kind: str
    status: str
    message_id: str
    subject: str
    reply_text: str
    truncated: bool
    language: str
    author: Author
    received_at: Instant


class Case(Shape, frozen=True, kw_only=True):
    """One matter inside a conversation."""

    id: int
    conversation_id: int
    customer_id: int
    reference: str
    channel: str
    subject: str
    status: str
    stage: str
    owner: str
    tags: list[str]
    unverified: bool
    linked_case_id: int | None
    opened_at: Instant
    resolved_at: Instant | None
    unanswered_since: Instant | None = None
    priority: str = ""
    mode: str = ""
    calendar: str = ""
    attributes: dict[str, str] = {}
    next_update_by: Instant | None = None
    waiting_for: str = ""


class Participant(Shape, frozen=True, kw_only=True):
    """Somebody else who was admitted to a case, and on what evidence."""

    case_id: int
    identity_id: int
    address: str
    name: str
    evidence: str
    added_at: Instant


class FollowUp(Shape, frozen=True, kw_only=True):
    """What shall happen with a case, and when."""

    id: int
    case_id: int
    rule: str
    state: str
    due_at: Instant
    settled_at: Instant | None
    reason: str


class FollowUps(Shape, frozen=True, kw_only=True):
    """A page of follow-ups."""

    items: list[FollowUp]
    next: Cursor


class CaseView(Case, frozen=True, kw_only=True):
    """A case with whom and what belongs to it; `next` goes on with the messages."""

    participants: list[Participant]
    follow_ups: list[FollowUp]
    messages: list[MessageItem]
    next: Cursor


class Cases(Shape, frozen=True, kw_only=True):
    """A page of cases."""

    items: list[Case]
    next: Cursor


class ConversationItem(Shape, frozen=True, kw_only=True):
    """The one thread of a customer, as lists show it."""

    id: int
    customer_id: int
    identities: list[Identity]
    last_message: MessageItem | None
    created_at: Instant


class Conversations(Shape, frozen=True, kw_only=True):
    """A page of conversations."""

    items: list[ConversationItem]
    next: Cursor


class ConversationView(Shape, frozen=True, kw_only=True):
    """A conversation: its newest cases, who else writes in them, and its messages in order.

    `next` goes on with the messages.
    """

    id: int
    customer: Customer
    identities: list[Identity]
    cases: list[Case]
    participants: list[Participant]
    messages: list[MessageItem]
    next: Cursor
    created_at: Instant


class Queued(Shape, frozen=True, kw_only=True):
    """What one of us has said, as it is stored and on its way; a note goes nowhere."""

    id: int
    conversation_id: int
    case_id: int
    case_status: str
    channel: str
    kind: str
    status: str
    message_id: str
    subject: str
    to: list[Address]
    cc: list[Address]


class Draft(Shape, frozen=True, kw_only=True):
    """What we would say, if a person lets us; `outdated` says why that may be too late."""

    id: int
    conversation_id: int
    case_id: int | None
    reference: str
    channel: str
    kind: str
    to: str
    subject: str
    text: str
    language: str
    written_at: Instant
    outdated: str


class Drafts(Shape, frozen=True, kw_only=True):
    """A page of drafts."""

    items: list[Draft]
    next: Cursor


class Started(Case, frozen=True, kw_only=True):
    """A case that was opened by a person, and its first message."""

    message: Queued


class Header(Shape, frozen=True, kw_only=True):
    """A header field as it was received, decoded, on one line."""

    name: str
    value: str


class Span(Shape, frozen=True, kw_only=True):
    """A stretch of `text` and what it is: new, quote, signature …"""

    start: int
    end: int
    label: str


class Part(Shape, frozen=True, kw_only=True):
    """One attachment or other part; its bytes are at `/v1/messages/{id}/parts/{part}`."""

    id: int
    role: str
    content_type: str
    filename: str
    content_id: str
    size: int
    sha256: str


class Decision(Shape, frozen=True, kw_only=True):
    """What was decided about a message, and why."""

    about: str = ""
    outcome: str = ""
    reason: str = ""


class Authentication(Shape, frozen=True, kw_only=True):
    """What one method found out about a sender, by the words of RFC 8601, and for which domain."""

    method: str
    outcome: str
    domain: str
    reason: str = ""


class Automatic(Shape, frozen=True, kw_only=True):
    """Whether a robot wrote it, and whether it asks not to be acknowledged."""

    is_auto: bool = False
    kind: str = "human"
    suppress_reply: bool = False
    reasons: list[str] = []


class Delivery(Shape, frozen=True, kw_only=True):
    """How the sending of a message stands; one that goes in several pieces has 0 as its last."""

    id: int
    channel: str
    state: str
    attempts: int
    due_at: Instant
    peer_id: str
    error: str
    created_at: Instant
    piece: int = 0


class Receipt(Shape, frozen=True, kw_only=True):
    """One way on which a message came to us; a copy of it by another way has a second one."""

    channel: str
    unit: str
    outcome: str
    reason: str
    at: Instant
    transport: dict[str, Any]


class MessageView(Shape, frozen=True, kw_only=True):
    """Everything about one message.

    `html` is cleaned for showing and fetches nothing: the addresses of its remote images are in
    `blocked_images` and in `data-blocked-src`. `html_withheld` says why there is none. An answer that
    did not arrive went again by another way: `replaced_by` is that message, `instead_of` the first.
    """

    id: int
    conversation_id: int | None
    case_id: int | None
    customer_id: int | None
    channel: str
    direction: str
    kind: str
    status: str
    message_id: str
    in_reply_to: str
    references: list[str]
    author: Author
    claims: list[Claim]
    to: list[Address]
    cc: list[Address]
    reply_to: str
    subject: str
    date: Instant | None
    received_at: Instant
    language: str
    text: str
    reply_text: str
    spans: list[Span]
    html: str | None = None
    html_withheld: str = ""
    blocked_images: list[str] = []
    headers: list[Header] = []
    parts: list[Part]
    authentication: str
    authentication_results: list[Authentication]
    automatic: Automatic
    bounce: dict[str, Any] | None
    defects: list[str]
    unreadable: str
    form: dict[str, str]
    decisions: list[Decision]
    deliveries: list[Delivery]
    instead_of: int | None = None
    replaced_by: int | None = None
    receipts: list[Receipt]
    has_raw: bool


class Event(Shape, frozen=True, kw_only=True):
    """Something that happened."""

    cursor: int
    type: str
    conversation_id: int | None
    at: Instant
    data: dict[str, Any]


class Events(Shape, frozen=True, kw_only=True):
    """A page of events, in the order in which they became visible."""

    items: list[Event]
    next: Cursor


class ApartItem(Shape, frozen=True, kw_only=True):
    """A message that is in no conversation, and why."""

    id: int
    channel: str
    status: str
    author: Author
    subject: str
    reason: str
    received_at: Instant


class Apart(Shape, frozen=True, kw_only=True):
    """A page of messages that are kept apart."""

    items: list[ApartItem]
    next: Cursor
