"""The tables of what customers prove, answer and are asked, beside the path of a message."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from store.columns import Id, Instant, Json, metadata, own_id, to

# Customers joined and taken apart. Their ids are no foreign keys: what is undone may be gone.
links = Table(
    "links",
    metadata,
    own_id(),
    Column("kind", Text, nullable=False),
    Column("customer_id", Id, nullable=False),  # to whom the identities went …
    Column("other_id", Id, nullable=False),  # … and from whom
    Column("evidence", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("moved", Json, nullable=False),
    Column("at", Instant, nullable=False),
    Column("undone_at", Instant),
    Column("undone_by", Text, nullable=False),
    Index(None, "customer_id"),
    Index(None, "other_id"),
)

# What was asked: one row for each survey, under the id of the message that asks.
surveys = Table(
    "surveys",
    metadata,
    Column("id", Id, ForeignKey("messages.id"), primary_key=True, autoincrement=False),
    to("cases", "case_id"),
    Column("scale", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("closes_at", Instant, nullable=False),
    Column("score", Integer),
    Column("comment", Text, nullable=False, server_default=""),
    Column("answered_at", Instant),
    Index(None, "case_id"),
)

# Codes that a customer may show by another way; of the code itself only the SHA-256 is kept.
proofs = Table(
    "proofs",
    metadata,
    own_id(),
    Column("sha256", Text, nullable=False, unique=True),
    to("identities", "identity_id"),
    to("cases", "case_id"),
    to("messages", "message_id"),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("used_by", Id),
    Index(None, "identity_id"),
)

# When one of us is away, and who takes care meanwhile; the newest row of a name counts.
absences = Table(
    "absences",
    metadata,
    own_id(),
    Column("name", Text, nullable=False),
    Column("begins_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("deputy", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "ends_at"),
)
