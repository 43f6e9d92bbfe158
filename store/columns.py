"""What every table is made of: the kinds of columns, and the names of indexes and keys."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, Text

# SQLite makes an INTEGER PRIMARY KEY its row id; PostgreSQL wants eight octets said.
Id = BigInteger().with_variant(Integer, "sqlite")

# Instants are ISO 8601 in UTC with six decimals: equal width, so that text order is time order on
# both databases and a person can read them. Lists and facts that nobody joins on are JSON text.
Instant = Text
Json = Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def own_id() -> Column[int]:
    """Ids come from `counters`, so that they are known before the row is written."""
    return Column("id", Id, primary_key=True, autoincrement=False)


def to(table: str, name: str, *, null: bool = False) -> Column[int]:
    return Column(name, Id, ForeignKey(f"{table}.id"), nullable=null)
