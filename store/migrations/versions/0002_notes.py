"""What mailboxes, answers, spam and messengers need: notes, requests, waits, parts to be fetched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SES = "substr(peer_id, 1, 5) = 'Ok 01'"
_PLATFORM = "peer_id <> '' AND domain NOT LIKE '%.%'"


def upgrade() -> None:
    _table("notes", ["channel", "name"], ["value"])
    _table("requests", ["key"], ["sha256", "answer", "at"])
    op.create_index("ix_requests_at", "requests", ["at"])
    op.add_column("participants", sa.Column("removed_at", sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("unanswered_since", sa.Text(), nullable=True))
    for name in ("priority", "mode"):
        op.add_column("cases", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("domain_until", sa.Text(), nullable=True))
    source = sa.Column("source", sa.Text(), nullable=False, server_default="")
    op.add_column("parts", source)
    domain = ["channel", "domain", "domain_until"]
    _partial_index("ix_outbox_domain_until", "outbox", domain, "domain_until IS NOT NULL")
    _partial_index("ix_outbox_peer_id", "outbox", ["peer_id"], _SES)
    _partial_index("ix_outbox_platform_id", "outbox", ["channel", "peer_id"], _PLATFORM)
    _partial_index("ix_parts_pending", "parts", ["id"], "source <> ''")
    _partial_index("ix_messages_spam", "messages", ["id"], "status = 'spam'")
    op.add_column("messages", sa.Column("judge_at", sa.Text(), nullable=True))
    _partial_index("ix_messages_doubtful", "messages", ["judge_at"], "judge_at IS NOT NULL")


def _table(name: str, once: list[str], others: list[str]) -> None:
    """Texts beside an id; those of `once` together are unique."""
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *(sa.Column(column, sa.Text(), nullable=False) for column in (*once, *others)),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.UniqueConstraint(*once, name=f"uq_{name}_{'_'.join(once)}"),
    )


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
