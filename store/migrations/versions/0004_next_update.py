"""What promises after the first answer need: a case's next update, and who of us is away."""

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
    op.create_index("ix_cases_status_id", "cases", ["status", "id"])
    _partial_index("ix_cases_owner", "cases", "owner", "owner <> '' AND status <> 'resolved'")
    linked = "linked_case_id"
    _partial_index(f"ix_cases_{linked}", "cases", linked, f"{linked} IS NOT NULL")
    _partial_index("ix_outbox_draft", "outbox", "message_id", "state = 'draft'")
    _absences()


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
