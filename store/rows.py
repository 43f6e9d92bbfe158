"""Typed rows: one NamedTuple a table, its fields in the order of the table's columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import Table

from store import schema


@lru_cache(maxsize=64)  # one mail asks for the same instant seven times
def instant(at: datetime) -> str:
    """An aware datetime as the store keeps it: `2026-11-21T09:00:00.000000Z`."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def moment(text: str) -> datetime:
    """The aware datetime that `instant` wrote."""
    return datetime.fromisoformat(text)


class Customer(NamedTuple):
    id: int
    language: str
    created_at: str
    name: str = ""


class Identity(NamedTuple):
    id: int
    customer_id: int
    address: str
    name: str
    failing_since: str | None
    created_at: str


class Conversation(NamedTuple):
    id: int
    customer_id: int
    created_at: str


class Case(NamedTuple):
    id: int
    conversation_id: int
    customer_id: int
    reference: str
    channel: str
    subject: str
    base_subject: str
    status: str
    stage: str
    owner: str
    tags: str
    unverified: bool
    linked_case_id: int | None
    opened_at: str
    resolved_at: str | None
    unanswered_since: str | None = None
    priority: str = ""
    mode: str = ""
    calendar: str = ""
    attributes: str = "{}"
    asking: str = "[]"
    next_update_by: str | None = None
    waiting_for: str = ""
    next_update_said_at: str | None = None


# A case that owes its customer no next word, by its columns.
SETTLED: Final[Mapping[str, str | None]] = {
    "next_update_by": None,
    "waiting_for": "",
    "next_update_said_at": None,
}


class Participant(NamedTuple):
    id: int
    case_id: int
    identity_id: int
    evidence: str
    added_at: str
    removed_at: str | None


class Blob(NamedTuple):
    id: int
    sha256: str
    size: int
    data: bytes | None


class Message(NamedTuple):
    id: int
    conversation_id: int | None
    case_id: int | None
    customer_id: int | None
    identity_id: int | None
    channel: str
    direction: str
    kind: str
    status: str
    message_id: str
    in_reply_to: str
    references: str
    fingerprint: str | None
    subject: str
    text: str
    reply_text: str | None
    language: str
    author: str
    recipients: str
    reply_to: str
    authentication: str
    reading: str
    decisions: str
    raw_sha256: str | None
    date: str | None
    received_at: str
    judge_at: str | None = None
    buttons: str = "[]"
    promised_by: str | None = None
    instead_of: int | None = None
    unsubscribe: str = ""


class Part(NamedTuple):
    id: int
    message_id: int
    role: str
    content_type: str
    filename: str
    content_id: str
    size: int
    sha256: str
    source: str = ""


class Ledger(NamedTuple):
    id: int
    channel: str
    unit: str
    outcome: str
    reason: str
    message_id: int | None
    transport: str
    at: str


class Outbox(NamedTuple):
    id: int
    message_id: int
    conversation_id: int | None
    channel: str
    state: str
    automatic: bool
    authenticated: bool
    budget_key: str
    domain: str
    due_at: str
    lease_owner: str
    lease_until: str | None
    attempts: int
    peer_id: str
    error: str
    created_at: str
    domain_until: str | None = None
    piece: int = 0
    doubted: bool = False
    astray: str = ""


class FollowUp(NamedTuple):
    id: int
    case_id: int
    conversation_id: int
    rule: str
    cause: str
    state: str
    due_at: str
    settled_at: str | None
    reason: str


class Link(NamedTuple):
    id: int
    kind: str
    customer_id: int
    other_id: int
    evidence: str
    why: str
    by: str
    token: str
    moved: str
    at: str
    undone_at: str | None
    undone_by: str


class Survey(NamedTuple):
    id: int
    case_id: int
    scale: str
    asked_at: str
    closes_at: str
    score: int | None = None
    comment: str = ""
    answered_at: str | None = None


class Proof(NamedTuple):
    id: int
    sha256: str
    identity_id: int
    case_id: int
    message_id: int
    made_at: str
    expires_at: str
    used_at: str | None = None
    used_by: int | None = None


class Watched(NamedTuple):
    id: int
    message_id: int
    kind: str
    rule: str
    reason: str
    channel: str
    recipients: str
    language: str
    subject: str
    text: str
    buttons: str
    authenticated: bool
    budget_key: str
    domain: str
    at: str


class Absence(NamedTuple):
    id: int
    name: str
    begins_at: str
    ends_at: str
    deputy: str
    author: str
    token: str
    at: str


class Request(NamedTuple):
    id: int
    key: str
    sha256: str
    answer: str
    at: str


class Event(NamedTuple):
    cursor: int
    type: str
    conversation_id: int | None
    at: str
    data: str


# Where the rows of each type live, parents first.
TABLES: dict[type, Table] = {
    Customer: schema.customers,
    Identity: schema.identities,
    Conversation: schema.conversations,
    Case: schema.cases,
    Participant: schema.participants,
    Blob: schema.blobs,
    Message: schema.messages,
    Part: schema.parts,
    Ledger: schema.ledger,
    Outbox: schema.outbox,
    FollowUp: schema.follow_ups,
    Link: schema.links,
    Survey: schema.surveys,
    Proof: schema.proofs,
    Watched: schema.watched,
    Absence: schema.absences,
    Request: schema.requests,
    Event: schema.events,
}
