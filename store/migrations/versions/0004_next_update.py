"""A case's next update, who of us is away, and what would have been said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("next_update_by", sa.Text(), nullable=True))
    waiting_for = sa.Column("waiting_for", sa.Text(), nullable=False, server_default="")
    op.add_column("cases", waiting_for)
    op.add_column("cases", sa.Column("next_update_said_at", sa.Text(), nullable=True))
    promised = "next_update_by"
    _partial_index(f"ix_cases_{promised}", "cases", promised, f"{promised} IS NOT NULL")
    op.create_index("ix_cases_status_id", "cases", ["status", "id"])
    awaited = "unanswered_since IS NOT NULL OR next_update_by IS NOT NULL"
    owned = f"owner <> '' AND status <> 'resolved' AND ({awaited})"
    _partial_index("ix_cases_owner", "cases", "owner", owned)
    linked = "linked_case_id"
    _partial_index(f"ix_cases_{linked}", "cases", linked, f"{linked} IS NOT NULL")
    _partial_index("ix_outbox_draft", "outbox", "message_id", "state = 'draft'")
    name = sa.Column("name", sa.Text(), nullable=False, server_default="")
    op.add_column("customers", name)
    _absences()
    _watched()
    watching = sa.Column("watching", sa.Text(), nullable=False, server_default="[]")
    op.add_column("notices", watching)


def _partial_index(name: str, table: str, column: str, where: str) -> None:
    op.create_index(
        name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def _absences() -> None:
    """When one of us is away, and who takes care meanwhile."""
    id_ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    texts = ("name", "begins_at", "ends_at", "deputy", "author", "token", "at")
    op.create_table(
        "absences",
        sa.Column("id", id_, autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.PrimaryKeyConstraint("id", name="pk_absences"),
    )
    op.create_index("ix_absences_ends_at", "absences", ["ends_at"])


def _watched() -> None:
    """What would have been said where we only watch."""
    id_ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    first = (
        "kind", "rule", "reason", "channel", "recipients", "language", "subject", "text", "buttons",
    )  # fmt: skip
    op.create_table(
        "watched",
        sa.Column("id", id_, autoincrement=False, nullable=False),
        sa.Column("message_id", id_, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in first),
        sa.Column("authenticated", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("budget_key", "domain", "at")),
        sa.PrimaryKeyConstraint("id", name="pk_watched"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_watched_message_id"),
    )
    op.create_index("ix_watched_message_id", "watched", ["message_id"])
    op.create_index("ix_watched_budget_key_at", "watched", ["budget_key", "at"])
    op.create_index("ix_watched_at", "watched", ["at"])
