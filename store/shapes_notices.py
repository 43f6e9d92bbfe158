"""Notices and consents as the API shows them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from store.shapes import Cursor, Instant, Shape


class NoticeCounts(Shape, frozen=True, kw_only=True):
    """How many of the recipients are how far; `left_out` says why, `stopped` never will be told."""

    total: int
    waiting: int = 0
    queued: int = 0
    drafts: int = 0
    sent: int = 0
    failed: int = 0
    in_doubt: int = 0
    stopped: int = 0
    left_out: dict[str, int]


class Unknown(Shape, frozen=True, kw_only=True):
    """What was named and is nobody whom we know."""

    customers: list[int]
    cases: list[int]
    addresses: list[str]


class Notice(Shape, frozen=True, kw_only=True):
    """A proactive notice; `state` is running, finished or stopped."""

    id: int
    kind: str
    state: str
    text: dict[str, str]
    subject: dict[str, str]
    by: str
    started_at: Instant
    ended_at: Instant | None
    counts: NoticeCounts
    unknown: Unknown | None = None


class Notices(Shape, frozen=True, kw_only=True):
    """A page of notices."""

    items: list[Notice]
    next: Cursor


class NoticeSample(Shape, frozen=True, kw_only=True):
    """What one recipient would read."""

    customer_id: int
    to: str
    channel: str
    language: str
    subject: str
    text: str


class LeftOut(Shape, frozen=True, kw_only=True):
    """Somebody who would not be told, and why."""

    customer_id: int
    to: str
    reason: str


class NoticePreview(Shape, frozen=True, kw_only=True):
    """What a notice would do if it were started now; nothing is kept, nobody is told.

    `recipients` would be told, of `total` that are meant; `first_left_out` are a hundred at most.
    """

    total: int
    recipients: int
    languages: dict[str, int]
    channels: dict[str, int]
    samples: list[NoticeSample]
    left_out: dict[str, int]
    first_left_out: list[LeftOut]
    unknown: Unknown
    minutes: Annotated[int, Meta(description="How long it would take, quiet hours apart.")]


class Consent(Shape, frozen=True, kw_only=True):
    """A word of a customer's on promotions: from which identity, where, and who wrote it down."""

    promotion: bool
    source: str
    by: str
    at: Instant
    message_id: int | None
    address: str


class Consents(Shape, frozen=True, kw_only=True):
    """Whether a customer wants promotions (null: nobody asked), and the words that say so."""

    customer_id: int
    promotion: bool | None
    evidence: list[Consent]
