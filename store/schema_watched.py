"""What would have been said: a record of its own, from which nothing can ever be delivered."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Table, Text

from store.columns import Instant, Json, metadata, own_id, to

watched = Table(
    "watched",
    metadata,
    own_id(),
    to("messages", "message_id"),  # the last word of the customer, which it would have answered
    Column("kind", Text, nullable=False),
    Column("rule", Text, nullable=False),  # what made it: a follow-up, a template, a notice
    Column("reason", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("language", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("buttons", Json, nullable=False),
    Column("authenticated", Boolean, nullable=False),
    Column("budget_key", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "message_id"),
    Index(None, "budget_key", "at"),
    Index(None, "at"),
)
