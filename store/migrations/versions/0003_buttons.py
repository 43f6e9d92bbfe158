"""What conversations over several channels need: buttons below what we say, and links between customers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    buttons = sa.Column("buttons", sa.Text(), nullable=False, server_default="[]")
    op.add_column("messages", buttons)
    _links()


def _links() -> None:
    """Customers joined and taken apart, with the evidence and the way back."""
    id_ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "links",
        sa.Column("id", id_, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("customer_id", id_, nullable=False),
        sa.Column("other_id", id_, nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("moved", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.Text()),
        sa.Column("undone_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
    )
    op.create_index("ix_links_customer_id", "links", ["customer_id"])
    op.create_index("ix_links_other_id", "links", ["other_id"])
