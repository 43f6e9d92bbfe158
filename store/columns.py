"""What every table is made of: the kinds of columns, and the names of indexes and keys."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, Text, text

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


def partial(name: str | None, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows for which `where` holds.

    It is said in SQLite's name: PostgreSQL's would load its dialect, 3 MB, wherever a table is
    named. `of_postgresql` says it there, too.
    """
    return Index(name, *columns, unique=unique, sqlite_where=text(where))


def of_postgresql() -> MetaData:
    """The tables with everything that PostgreSQL has to be told of them."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if (where := index.dialect_kwargs.get("sqlite_where")) is not None:
                index.dialect_kwargs["postgresql_where"] = where
    return metadata
