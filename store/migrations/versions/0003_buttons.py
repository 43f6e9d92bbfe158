"""What conversations over several channels need: buttons below what we say."""

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
