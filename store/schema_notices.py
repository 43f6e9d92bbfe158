"""The tables of notices to many, and of what customers have agreed to hear."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from store.columns import Id, Instant, Json, metadata, own_id, partial, to

notices = Table(
    "notices",
    metadata,
    own_id(),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("words", Json, nullable=False),
    Column("author", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("total", Integer, nullable=False),
    Column("watching", Json, nullable=False, server_default="[]"),  # where nobody is to be told
    partial("ix_notices_running", "id", where="state = 'running'"),
)

# Each customer once in a notice; and each identity, whoever it belongs to by now.
notice_recipients = Table(
    "notice_recipients",
    metadata,
    Column("notice_id", Id, primary_key=True, autoincrement=False),
    Column("customer_id", Id, primary_key=True, autoincrement=False),
    Column("case_id", Id),
    Column("identity_id", Id),
    Column("message_id", Id),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("at", Instant),
    UniqueConstraint("identity_id", "notice_id"),
    partial(
        "ix_notice_recipients_waiting",
        "notice_id",
        "due_at",
        "customer_id",
        where="state = 'waiting'",
    ),
    partial("ix_notice_recipients_queued", "at", where="state = 'queued'"),
)

# What customers agreed to hear, word by word: the last one of an identity holds.
consents = Table(
    "consents",
    metadata,
    own_id(),
    to("identities", "identity_id"),
    Column("purpose", Text, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("message_id", Id),
    Index(None, "identity_id"),
)
