"""What conversations over several channels need: buttons, links between customers, surveys."""

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
    piece = sa.Column("piece", sa.Integer(), nullable=False, server_default="0")
    op.add_column("outbox", piece)
    calendar = sa.Column("calendar", sa.Text(), nullable=False, server_default="")
    op.add_column("cases", calendar)
    for name, empty in (("attributes", "{}"), ("asking", "[]")):
        told = sa.Column(name, sa.Text(), nullable=False, server_default=empty)
        op.add_column("cases", told)
    op.add_column("messages", sa.Column("promised_by", sa.Text()))
    _other_ways()
    _links()
    _surveys()
    _proofs()
    _notices()


def _proofs() -> None:
    """Codes that customers show by another way."""
    id_ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    owners = {"identity_id": "identities", "case_id": "cases", "message_id": "messages"}
    op.create_table(
        "proofs",
        sa.Column("id", id_, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        *(sa.Column(name, id_, nullable=False) for name in owners),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Text()),
        sa.Column("used_by", id_),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=f"fk_proofs_{name}")
            for name, table in owners.items()
        ),
        sa.PrimaryKeyConstraint("id", name="pk_proofs"),
        sa.UniqueConstraint("sha256", name="uq_proofs_sha256"),
    )
    op.create_index("ix_proofs_identity_id", "proofs", ["identity_id"])


def _other_ways() -> None:
    """A message that stands for one of ours that did not arrive."""
    op.add_column(
        "outbox", sa.Column("doubted", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("outbox", sa.Column("astray", sa.Text(), nullable=False, server_default=""))
    id_ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("messages", sa.Column("instead_of", id_, nullable=True))
    for name, table, column, where, unique in (
        ("ix_outbox_astray", "outbox", "id", "astray <> ''", False),
        ("ix_messages_instead_of", "messages", "instead_of", "instead_of IS NOT NULL", True),
    ):
        op.create_index(
            name, table, [column], unique=unique,
            sqlite_where=sa.text(where), postgresql_where=sa.text(where),
        )  # fmt: skip


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


def _surveys() -> None:
    """Those that were asked before can still be answered."""
    id_ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "surveys",
        sa.Column("id", id_, sa.ForeignKey("messages.id", name="fk_surveys_id"), nullable=False),
        sa.Column(
            "case_id", id_, sa.ForeignKey("cases.id", name="fk_surveys_case_id"), nullable=False
        ),
        *(sa.Column(one, sa.Text(), nullable=False) for one in ("scale", "asked_at", "closes_at")),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False, server_default=""),
        sa.Column("answered_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_surveys"),
    )
    op.create_index("ix_surveys_case_id", "surveys", ["case_id"])
    op.execute(
        "INSERT INTO surveys (id, case_id, scale, asked_at, closes_at)"
        " SELECT id, case_id, 'csat', received_at, '9999-12-31T00:00:00.000000Z'"
        " FROM messages WHERE kind = 'survey' AND case_id IS NOT NULL"
    )


def _notices() -> None:
    """Proactive notices, whom they are for, and what customers have agreed to hear."""
    id_ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "notices",
        sa.Column("id", id_, autoincrement=False, nullable=False),
        *_texts("kind", "state", "words", "author", "token", "started_at"),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
    )
    _partial_index("ix_notices_running", "notices", ["id"], "state = 'running'")
    op.create_table(
        "notice_recipients",
        sa.Column("notice_id", id_, nullable=False),
        sa.Column("customer_id", id_, nullable=False),
        *(sa.Column(name, id_, nullable=True) for name in ("case_id", "identity_id", "message_id")),
        *_texts("state", "reason", "channel", "language", "due_at"),
        sa.Column("at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("notice_id", "customer_id", name="pk_notice_recipients"),
        sa.UniqueConstraint(
            "identity_id", "notice_id", name="uq_notice_recipients_identity_id_notice_id"
        ),
    )
    waiting = ["notice_id", "due_at", "customer_id"]
    _partial_index(
        "ix_notice_recipients_waiting", "notice_recipients", waiting, "state = 'waiting'"
    )
    _partial_index("ix_notice_recipients_queued", "notice_recipients", ["at"], "state = 'queued'")
    op.create_table(
        "consents",
        sa.Column("id", id_, autoincrement=False, nullable=False),
        sa.Column("identity_id", id_, nullable=False),
        *_texts("purpose"),
        sa.Column("given", sa.Boolean(), nullable=False),
        *_texts("source", "author", "at"),
        sa.Column("message_id", id_, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name="fk_consents_identity_id"),
    )
    op.create_index("ix_consents_identity_id", "consents", ["identity_id"])
    unsubscribe = sa.Column("unsubscribe", sa.Text(), nullable=False, server_default="")
    op.add_column("messages", unsubscribe)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
