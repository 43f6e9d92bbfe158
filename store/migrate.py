"""Bring a database to the present schema, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from store.columns import of_postgresql
from store.engine import StoreNotReady, StoreTooNew
from store.schema import metadata
from store.views import VIEWS

HEAD = "0004"  # the newest file in migrations/versions
# As Alembic makes it.
_VERSION = """
    CREATE TABLE alembic_version (
        version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
    )"""


def version(connection: Connection) -> str | None:
    """The revision that a database is at; None for a new one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def answers(connection: Connection) -> bool:
    """Whether the store answers, from a table of ours."""
    return (
        connection.execute(text("SELECT value FROM counters WHERE name = 'id'")).first() is not None
    )


def last_id(connection: Connection) -> int:
    """The last id given out; 0 for a new database."""
    if version(connection) is None:
        return 0
    return int(
        connection.execute(text("SELECT value FROM counters WHERE name = 'id'")).scalar_one()
    )


def expect_ready(connection: Connection) -> None:
    """See that a database is as our queries want it. Raises StoreNotReady, StoreTooNew."""
    found = version(connection)
    _refuse_newer(found)
    if found is None:
        raise StoreNotReady(
            "this store is empty: `madoguchi run` makes its tables, unless [store] url should name"
            " another one"
        )
    if found < HEAD:
        raise StoreNotReady(
            f"this store is of an older version of Madoguchi (revision {found}, ours is {HEAD}):"
            " back it up, then `madoguchi run` brings it up to date"
        )


def _refuse_newer(found: str | None) -> None:
    if found is not None and found > HEAD:
        raise StoreTooNew(
            f"a newer version of Madoguchi made this store: it is at revision {found}, and we know"
            f" {HEAD}. Please run that version, or put back the backup from before the upgrade."
        )


def migrate(engine: Engine, failpoint: Callable[[str], None]) -> bool:
    """Upgrade in one transaction, the views included; returns whether anything was to do.

    A process that dies midway leaves the old schema: both databases undo DDL. Raises StoreTooNew.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7274496)"))
        found = version(connection)
        if found == HEAD:
            return False
        _refuse_newer(found)
        _drop_views(connection)
        (_create if found is None else _upgrade)(connection)
        failpoint("F7")
        for name, query in VIEWS.items():
            connection.exec_driver_sql(f"CREATE VIEW {name} AS {query}")
    return True


def _drop_views(connection: Connection) -> None:
    for name in VIEWS:
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def _create(connection: Connection) -> None:
    """The present schema at once, as the migrations would leave an empty database.

    But for sequences, which the first one made in PostgreSQL and which nobody ever asks.
    """
    here = of_postgresql() if connection.dialect.name == "postgresql" else metadata
    here.create_all(connection, checkfirst=False)
    connection.exec_driver_sql("INSERT INTO counters (name, value) VALUES ('id', 0)")
    connection.exec_driver_sql(_VERSION)
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def _upgrade(connection: Connection) -> None:
    # Alembic costs a tenth of a second and 10 MB; only a database of an older version loads it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
