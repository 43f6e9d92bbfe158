"""The first schema."""

from __future__ import annotations

from alembic import op

from store.schema import counters, metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
    op.bulk_insert(counters, [{"name": "id", "value": 0}])
