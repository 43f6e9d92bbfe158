"""Notes, waiting cases, domains that put us off, requests that were answered, and spam apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
        sa.UniqueConstraint("channel", "name", name="uq_notes_channel_name"),
    )
    op.add_column("cases", sa.Column("unanswered_since", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("domain_until", sa.Text(), nullable=True))
    op.create_index(
        "ix_outbox_domain_until",
        "outbox",
        ["channel", "domain", "domain_until"],
        sqlite_where=sa.text("domain_until IS NOT NULL"),
        postgresql_where=sa.text("domain_until IS NOT NULL"),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
        sa.UniqueConstraint("key", name="uq_requests_key"),
    )
    op.create_index("ix_requests_at", "requests", ["at"])
    op.create_index(
        "ix_outbox_peer_id",
        "outbox",
        ["peer_id"],
        sqlite_where=sa.text("substr(peer_id, 1, 5) = 'Ok 01'"),
        postgresql_where=sa.text("substr(peer_id, 1, 5) = 'Ok 01'"),
    )
    is_spam = sa.text("status = 'spam'")
    op.create_index(
        "ix_messages_spam", "messages", ["id"], sqlite_where=is_spam, postgresql_where=is_spam
    )
