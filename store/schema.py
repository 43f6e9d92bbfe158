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
    Table,
    Text,
    UniqueConstraint,
    false,
)

from store.columns import Id, Instant, Json, metadata, own_id, partial, to
from store.schema_notices import consents, notice_recipients, notices
from store.schema_people import absences, links, proofs, surveys
from store.schema_watched import watched

__all__ = [
    "absences",
    "blobs",
    "cases",
    "consents",
    "conversations",
    "counters",
    "customers",
    "events",
    "follow_ups",
    "identities",
    "ledger",
    "links",
    "messages",
    "metadata",
    "notes",
    "notice_recipients",
    "notices",
    "outbox",
    "participants",
    "parts",
    "proofs",
    "requests",
    "surveys",
    "tokens",
    "watched",
]

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

customers = Table(
    "customers",
    metadata,
    own_id(),
    Column("language", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("name", Text, nullable=False, server_default=""),  # by which people address them
)

identities = Table(
    "identities",
    metadata,
    own_id(),
    to("customers", "customer_id"),
    Column("address", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("failing_since", Instant),
    Column("created_at", Instant, nullable=False),
    Index(None, "customer_id"),
)

conversations = Table(
    "conversations",
    metadata,
    own_id(),
    Column("customer_id", Id, ForeignKey("customers.id"), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
)

# Open cases that are somebody's and that a customer waits in, for an answer or for news.
AWAITED = (
    "owner <> '' AND status <> 'resolved'"
    " AND (unanswered_since IS NOT NULL OR next_update_by IS NOT NULL)"
)

cases = Table(
    "cases",
    metadata,
    own_id(),
    to("conversations", "conversation_id"),
    to("customers", "customer_id"),
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
    Column("calendar", Text, nullable=False, server_default=""),  # where the route names one
    Column("attributes", Json, nullable=False, server_default="{}"),  # what the customer told
    Column("asking", Json, nullable=False, server_default="[]"),  # … and is still asked for
    Column("next_update_by", Instant),  # by when we said that the customer hears from us again
    Column("waiting_for", Text, nullable=False, server_default=""),  # … and for what we wait
    Column("next_update_said_at", Instant),  # … and when we said so
    Index(None, "conversation_id", "base_subject"),
    Index(None, "status", "id"),
    partial("ix_cases_linked_case_id", "linked_case_id", where="linked_case_id IS NOT NULL"),
    partial(None, "owner", where=AWAITED),
    partial(None, "next_update_by", where="next_update_by IS NOT NULL"),
)

participants = Table(
    "participants",
    metadata,
    own_id(),
    to("cases", "case_id"),
    to("identities", "identity_id"),
    Column("evidence", Text, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("removed_at", Instant),
    UniqueConstraint("case_id", "identity_id"),
)

blobs = Table(
    "blobs",
    metadata,
    own_id(),
    Column("sha256", Text, nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary),  # null: the bytes are a file below data_dir/blobs
)

messages = Table(
    "messages",
    metadata,
    own_id(),
    to("conversations", "conversation_id", null=True),
    to("cases", "case_id", null=True),
    to("customers", "customer_id", null=True),
    to("identities", "identity_id", null=True),
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
    Column("promised_by", Instant),  # until when a person answers, as the customer read it
    Column("instead_of", Id),  # the message of ours that did not arrive
    Column("unsubscribe", Text, nullable=False, server_default=""),  # where promotions are ended
    Index(None, "message_id"),
    Index(None, "conversation_id"),
    Index(None, "case_id"),
    partial("ix_messages_instead_of", "instead_of", unique=True, where="instead_of IS NOT NULL"),
    partial("ix_messages_unfinished", "id", where="status IN ('unread', 'quarantined')"),
    partial("ix_messages_spam", "id", where="status = 'spam'"),
    partial("ix_messages_doubtful", "judge_at", where="judge_at IS NOT NULL"),
)

parts = Table(
    "parts",
    metadata,
    own_id(),
    to("messages", "message_id"),
    Column("role", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("content_id", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("source", Text, nullable=False, server_default=""),  # where a pending part is fetched
    Index(None, "message_id"),
    partial("ix_parts_pending", "id", where="source <> ''"),
)

ledger = Table(
    "ledger",
    metadata,
    own_id(),
    Column("channel", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    to("messages", "message_id", null=True),
    Column("transport", Json, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("channel", "unit"),
    Index(None, "message_id"),
)

outbox = Table(
    "outbox",
    metadata,
    own_id(),
    to("messages", "message_id"),
    to("conversations", "conversation_id", null=True),
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
    Column("doubted", Boolean, nullable=False, server_default=false()),  # a try may have arrived
    Column("astray", Text, nullable=False, server_default=""),  # why another way is looked for
    partial("ix_outbox_astray", "id", where="astray <> ''"),
    Index(None, "message_id"),
    partial("ix_outbox_draft", "message_id", where="state = 'draft'"),
    Index(None, "budget_key", "created_at"),
    Index(None, "conversation_id", "created_at"),
    Index(None, "created_at"),
    partial("ix_outbox_due", "channel", "due_at", where="state IN ('queued', 'deferred')"),
    partial(
        "ix_outbox_domain_until",
        "channel",
        "domain",
        "domain_until",
        where="domain_until IS NOT NULL",
    ),
    partial(
        "ix_outbox_peer_id",  # of a provider that gives mails new Message-IDs
        "peer_id",
        where="substr(peer_id, 1, 5) = 'Ok 01'",
    ),
    partial(
        "ix_outbox_platform_id",  # what a platform reports of is found by its own id
        "channel",
        "peer_id",
        where="peer_id <> '' AND domain NOT LIKE '%.%'",
    ),
    partial("ix_outbox_sending", "lease_until", where="state = 'sending'"),
)

follow_ups = Table(
    "follow_ups",
    metadata,
    own_id(),
    to("cases", "case_id"),
    to("conversations", "conversation_id"),
    Column("rule", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("reason", Text, nullable=False),
    UniqueConstraint("case_id", "rule", "cause"),
    partial("ix_follow_ups_due", "due_at", where="state = 'pending'"),
)

notes = Table(
    "notes",
    metadata,
    own_id(),
    Column("channel", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    UniqueConstraint("channel", "name"),
)

# What a client asked for under an Idempotency-Key, and what it was answered.
requests = Table(
    "requests",
    metadata,
    own_id(),
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
    own_id(),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)
