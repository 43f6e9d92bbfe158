"""Every table, once: what Alembic migrates to and what the statements are built from."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

# SQLite makes an INTEGER PRIMARY KEY its row id; PostgreSQL wants eight octets said.
Id = BigInteger().with_variant(Integer, "sqlite")

# Instants are ISO 8601 in UTC with six decimals: equal width, so that text order is time order on
# both databases and a person can read them. Lists and facts that nobody joins on are JSON text.
Instant = Text
Json = Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    """Ids come from `counters`, so that they are known before the row is written."""
    return Column("id", Id, primary_key=True, autoincrement=False)


def _to(table: str, name: str, *, null: bool = False) -> Column[int]:
    return Column(name, Id, ForeignKey(f"{table}.id"), nullable=null)


counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

customers = Table(
    "customers",
    metadata,
    _id(),
    Column("language", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    _id(),
    _to("customers", "customer_id"),
    Column("address", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("failing_since", Instant),
    Column("created_at", Instant, nullable=False),
    Index(None, "customer_id"),
)

conversations = Table(
    "conversations",
    metadata,
    _id(),
    Column("customer_id", Id, ForeignKey("customers.id"), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    _id(),
    _to("conversations", "conversation_id"),
    _to("customers", "customer_id"),
    Column("reference", Text, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("base_subject", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("tags", Json, nullable=False),
    Column("unverified", Boolean, nullable=False),
    Column("linked_case_id", Id, ForeignKey("cases.id")),
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("unanswered_since", Instant),  # the first word of the customer that no person answered
    Column("priority", Text, nullable=False, server_default=""),
    Column("mode", Text, nullable=False, server_default=""),  # of what we say here by ourselves
    Index(None, "conversation_id", "base_subject"),
)

participants = Table(
    "participants",
    metadata,
    _id(),
    _to("cases", "case_id"),
    _to("identities", "identity_id"),
    Column("evidence", Text, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("removed_at", Instant),
    UniqueConstraint("case_id", "identity_id"),
)

blobs = Table(
    "blobs",
    metadata,
    _id(),
    Column("sha256", Text, nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary),  # null: the bytes are a file below data_dir/blobs
)

messages = Table(
    "messages",
    metadata,
    _id(),
    _to("conversations", "conversation_id", null=True),
    _to("cases", "case_id", null=True),
    _to("customers", "customer_id", null=True),
    _to("identities", "identity_id", null=True),
    Column("channel", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("in_reply_to", Text, nullable=False),
    Column("references", Json, nullable=False),
    Column("fingerprint", Text, unique=True),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("reply_text", Text),  # null: the whole text
    Column("language", Text, nullable=False),
    Column("author", Json, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("reply_to", Text, nullable=False),
    Column("authentication", Text, nullable=False),
    Column("reading", Json, nullable=False),
    Column("decisions", Json, nullable=False),
    Column("raw_sha256", Text),
    Column("date", Instant),
    Column("received_at", Instant, nullable=False),
    Column("judge_at", Instant),  # when to look again who wrote; null: that is settled
    Column("buttons", Json, nullable=False, server_default="[]"),  # of what we say
    Index(None, "message_id"),
    Index(None, "conversation_id"),
    Index(None, "case_id"),
    Index(
        "ix_messages_unfinished",
        "id",
        sqlite_where=text("status IN ('unread', 'quarantined')"),
        postgresql_where=text("status IN ('unread', 'quarantined')"),
    ),
    Index(
        "ix_messages_spam",
        "id",
        sqlite_where=text("status = 'spam'"),
        postgresql_where=text("status = 'spam'"),
    ),
    Index(
        "ix_messages_doubtful",
        "judge_at",
        sqlite_where=text("judge_at IS NOT NULL"),
        postgresql_where=text("judge_at IS NOT NULL"),
    ),
)

parts = Table(
    "parts",
    metadata,
    _id(),
    _to("messages", "message_id"),
    Column("role", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("content_id", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("source", Text, nullable=False, server_default=""),  # where a pending part is fetched
    Index(None, "message_id"),
    Index(
        "ix_parts_pending",
        "id",
        sqlite_where=text("source <> ''"),
        postgresql_where=text("source <> ''"),
    ),
)

ledger = Table(
    "ledger",
    metadata,
    _id(),
    Column("channel", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _to("messages", "message_id", null=True),
    Column("transport", Json, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("channel", "unit"),
    Index(None, "message_id"),
)

outbox = Table(
    "outbox",
    metadata,
    _id(),
    _to("messages", "message_id"),
    _to("conversations", "conversation_id", null=True),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("authenticated", Boolean, nullable=False),
    Column("budget_key", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("lease_owner", Text, nullable=False),
    Column("lease_until", Instant),
    Column("attempts", Integer, nullable=False),
    Column("peer_id", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("domain_until", Instant),  # others for the same domain wait until then
    # What goes in several deliveries: 1, 2, …, and 0 for the last, which stands for the whole.
    Column("piece", Integer, nullable=False, server_default="0"),
    Index(None, "message_id"),
    Index(None, "budget_key", "created_at"),
    Index(None, "conversation_id", "created_at"),
    Index(None, "created_at"),
    Index(
        "ix_outbox_due",
        "channel",
        "due_at",
        sqlite_where=text("state IN ('queued', 'deferred')"),
        postgresql_where=text("state IN ('queued', 'deferred')"),
    ),
    Index(
        "ix_outbox_domain_until",
        "channel",
        "domain",
        "domain_until",
        sqlite_where=text("domain_until IS NOT NULL"),
        postgresql_where=text("domain_until IS NOT NULL"),
    ),
    Index(
        "ix_outbox_peer_id",  # of a provider that gives mails new Message-IDs
        "peer_id",
        sqlite_where=text("substr(peer_id, 1, 5) = 'Ok 01'"),
        postgresql_where=text("substr(peer_id, 1, 5) = 'Ok 01'"),
    ),
    Index(
        "ix_outbox_platform_id",  # what a platform reports of is found by its own id
        "channel",
        "peer_id",
        sqlite_where=text("peer_id <> '' AND domain NOT LIKE '%.%'"),
        postgresql_where=text("peer_id <> '' AND domain NOT LIKE '%.%'"),
    ),
    Index(
        "ix_outbox_sending",
        "lease_until",
        sqlite_where=text("state = 'sending'"),
        postgresql_where=text("state = 'sending'"),
    ),
)

follow_ups = Table(
    "follow_ups",
    metadata,
    _id(),
    _to("cases", "case_id"),
    _to("conversations", "conversation_id"),
    Column("rule", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("reason", Text, nullable=False),
    UniqueConstraint("case_id", "rule", "cause"),
    Index(
        "ix_follow_ups_due",
        "due_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
)

# Customers joined and taken apart. Their ids are no foreign keys: what is undone may be gone.
links = Table(
    "links",
    metadata,
    _id(),
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
    _to("cases", "case_id"),
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
    _id(),
    Column("sha256", Text, nullable=False, unique=True),
    _to("identities", "identity_id"),
    _to("cases", "case_id"),
    _to("messages", "message_id"),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("used_by", Id),
    Index(None, "identity_id"),
)

notes = Table(
    "notes",
    metadata,
    _id(),
    Column("channel", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    UniqueConstraint("channel", "name"),
)

# What a client asked for under an Idempotency-Key, and what it was answered.
requests = Table(
    "requests",
    metadata,
    _id(),
    Column("key", Text, nullable=False, unique=True),
    Column("sha256", Text, nullable=False),
    Column("answer", Json, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "at"),
)

events = Table(
    "events",
    metadata,
    Column("cursor", Id, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("conversation_id", Id),
    Column("at", Instant, nullable=False),
    Column("data", Json, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)
