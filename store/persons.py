"""What a reader of the store gets about who is one person."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from store.shapes import Customer, Identity, Instant, Shape


class CustomerView(Customer, frozen=True, kw_only=True):
    """A customer whole; one that is part of another by now has no identities, and says whose."""

    conversation_id: int
    identities: list[Identity]
    merged_into: int | None


class IdentityView(Identity, frozen=True, kw_only=True):
    """An identity and what says that it is this customer's.

    `evidence` is `first` for who was here from the beginning, else that of the link.
    """

    since: Instant
    evidence: str
    why: str
    link_id: int | None


class Link(Shape, frozen=True, kw_only=True):
    """Identities that went from one customer (`other_id`) to another, and what says so."""

    id: int
    kind: Annotated[str, Meta(description="`merge` or `split`.")]
    customer_id: int
    other_id: int
    identities: list[int]
    evidence: Annotated[str, Meta(description="`proof`, `platform` or `person`.")]
    why: str
    by: str
    token: str
    at: Instant
    undone_at: Instant | None
    undone_by: str


class Suggestion(Shape, frozen=True, kw_only=True):
    """An identity of another customer that may be the same person; nothing is joined by itself."""

    identity_id: int
    address: str
    name: str
    customer_id: int
    reason: str


class Identities(Shape, frozen=True, kw_only=True):
    """The identities of a customer, the links behind them, and who else it may be."""

    customer_id: int
    identities: list[IdentityView]
    links: list[Link]
    suggestions: list[Suggestion]


class Erased(Shape, frozen=True, kw_only=True):
    """A customer that is no more.

    `clean` is false where free pages or the write-ahead log may still hold octets of it.
    """

    customer_id: int
    messages: int
    clean: bool = True
