"""The first schema, written out: what a database was given once never follows later code."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite makes an INTEGER PRIMARY KEY its row id; PostgreSQL wants eight octets said.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for create in (
        _counters,
        _customers,
        _identities,
        _conversations,
        _cases,
        _participants,
        _blobs,
        _messages,
        _parts,
        _ledger,
        _outbox,
        _follow_ups,
        _events,
        _tokens,
    ):
        create()


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, Id, nullable=null)


def _table(name: str, *content: sa.schema.SchemaItem, key: str = "id") -> None:
    op.create_table(name, *content, sa.PrimaryKeyConstraint(key, name=f"pk_{name}"))


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}"
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)


def _once(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def _counters() -> None:
    value = sa.Column("value", sa.BigInteger(), nullable=False)
    _table("counters", _text("name"), value, key="name")
    op.execute("INSERT INTO counters (name, value) VALUES ('id', 0)")


def _customers() -> None:
    _table("customers", _number("id"), _text("language"), _text("created_at"))


def _identities() -> None:
    _table(
        "identities",
        _number("id"),
        _number("customer_id"),
        _text("address"),
        _text("name"),
        _text("failing_since", null=True),
        _text("created_at"),
        _to("identities", "customer_id", "customers"),
        _once("identities", "address"),
    )
    _index("identities", "customer_id")


def _conversations() -> None:
    _table(
        "conversations",
        _number("id"),
        _number("customer_id"),
        _text("created_at"),
        _to("conversations", "customer_id", "customers"),
        _once("conversations", "customer_id"),
    )


def _cases() -> None:
    _table(
        "cases",
        _number("id"),
        _number("conversation_id"),
        _number("customer_id"),
        _text("reference"),
        _text("channel"),
        _text("subject"),
        _text("base_subject"),
        _text("status"),
        _text("stage"),
        _text("owner"),
        _text("tags"),
        sa.Column("unverified", sa.Boolean(), nullable=False),
        _number("linked_case_id", null=True),
        _text("opened_at"),
        _text("resolved_at", null=True),
        _to("cases", "conversation_id", "conversations"),
        _to("cases", "customer_id", "customers"),
        _to("cases", "linked_case_id", "cases"),
        _once("cases", "reference"),
    )
    _index("cases", "conversation_id", "base_subject")


def _participants() -> None:
    _table(
        "participants",
        _number("id"),
        _number("case_id"),
        _number("identity_id"),
        _text("evidence"),
        _text("added_at"),
        _to("participants", "case_id", "cases"),
        _to("participants", "identity_id", "identities"),
        _once("participants", "case_id", "identity_id"),
    )


def _blobs() -> None:
    _table(
        "blobs",
        _number("id"),
        _text("sha256"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary()),
        _once("blobs", "sha256"),
    )


def _messages() -> None:
    _table(
        "messages",
        _number("id"),
        _number("conversation_id", null=True),
        _number("case_id", null=True),
        _number("customer_id", null=True),
        _number("identity_id", null=True),
        _text("channel"),
        _text("direction"),
        _text("kind"),
        _text("status"),
        _text("message_id"),
        _text("in_reply_to"),
        _text("references"),
        _text("fingerprint", null=True),
        _text("subject"),
        _text("text"),
        _text("reply_text", null=True),
        _text("language"),
        _text("author"),
        _text("recipients"),
        _text("reply_to"),
        _text("authentication"),
        _text("reading"),
        _text("decisions"),
        _text("raw_sha256", null=True),
        _text("date", null=True),
        _text("received_at"),
        _to("messages", "conversation_id", "conversations"),
        _to("messages", "case_id", "cases"),
        _to("messages", "customer_id", "customers"),
        _to("messages", "identity_id", "identities"),
        _once("messages", "fingerprint"),
    )
    for column in ("message_id", "conversation_id", "case_id"):
        _index("messages", column)
    unfinished = "status IN ('unread', 'quarantined')"
    _partial_index("ix_messages_unfinished", "messages", ["id"], unfinished)


def _parts() -> None:
    _table(
        "parts",
        _number("id"),
        _number("message_id"),
        _text("role"),
        _text("content_type"),
        _text("filename"),
        _text("content_id"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        _text("sha256"),
        _to("parts", "message_id", "messages"),
    )
    _index("parts", "message_id")


def _ledger() -> None:
    _table(
        "ledger",
        _number("id"),
        _text("channel"),
        _text("unit"),
        _text("outcome"),
        _text("reason"),
        _number("message_id", null=True),
        _text("transport"),
        _text("at"),
        _to("ledger", "message_id", "messages"),
        _once("ledger", "channel", "unit"),
    )
    _index("ledger", "message_id")


def _outbox() -> None:
    _table(
        "outbox",
        _number("id"),
        _number("message_id"),
        _number("conversation_id", null=True),
        _text("channel"),
        _text("state"),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("authenticated", sa.Boolean(), nullable=False),
        _text("budget_key"),
        _text("domain"),
        _text("due_at"),
        _text("lease_owner"),
        _text("lease_until", null=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _text("peer_id"),
        _text("error"),
        _text("created_at"),
        _to("outbox", "message_id", "messages"),
        _to("outbox", "conversation_id", "conversations"),
    )
    _index("outbox", "message_id")
    _index("outbox", "budget_key", "created_at")
    _index("outbox", "conversation_id", "created_at")
    _index("outbox", "created_at")
    due = "state IN ('queued', 'deferred')"
    _partial_index("ix_outbox_due", "outbox", ["channel", "due_at"], due)
    _partial_index("ix_outbox_sending", "outbox", ["lease_until"], "state = 'sending'")


def _follow_ups() -> None:
    _table(
        "follow_ups",
        _number("id"),
        _number("case_id"),
        _number("conversation_id"),
        _text("rule"),
        _text("cause"),
        _text("state"),
        _text("due_at"),
        _text("settled_at", null=True),
        _text("reason"),
        _to("follow_ups", "case_id", "cases"),
        _to("follow_ups", "conversation_id", "conversations"),
        _once("follow_ups", "case_id", "rule", "cause"),
    )
    _partial_index("ix_follow_ups_due", "follow_ups", ["due_at"], "state = 'pending'")


def _events() -> None:
    _table(
        "events",
        _number("cursor"),
        _text("type"),
        _number("conversation_id", null=True),
        _text("at"),
        _text("data"),
        key="cursor",
    )


def _tokens() -> None:
    _table(
        "tokens",
        _number("id"),
        _text("name"),
        _text("sha256"),
        _text("created_at"),
        _text("revoked_at", null=True),
        _once("tokens", "sha256"),
    )
