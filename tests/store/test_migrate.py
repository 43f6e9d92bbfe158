"""The schema that migrations make is the one that the code is written for, whole or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine.interfaces import ReflectedColumn

from store.engine import StoreTooNew, open_writer
from store.migrate import HEAD, _upgrade, last_id, version
from store.schema import metadata
from store.store import prepare
from store.views import VIEWS
from tests.store.house import Site

DIES_MIDWAY = """
import sys
from gateway.failpoints import failpoint
from store.store import prepare
prepare(sys.argv[1], failpoint({"MADOGUCHI_FAILPOINT": "F7"}))
"""


def _revision(engine: Engine) -> str | None:
    with engine.begin() as connection:
        return version(connection)


def _described(connection: Connection) -> dict[str, dict[str, object]]:
    """Everything that a database says of its tables, whatever the order of keys and indexes."""
    found = inspect(connection)
    return {
        table: {
            "columns": [_column(one) for one in found.get_columns(table)],
            "primary key": found.get_pk_constraint(table),
            "references": sorted(map(str, found.get_foreign_keys(table))),
            "unique": sorted(map(str, found.get_unique_constraints(table))),
            "indexes": sorted(
                str({**one, "dialect_options": _plain(one.get("dialect_options", {}))})
                for one in found.get_indexes(table)
            ),
        }
        for table in found.get_table_names()
    }


def _column(found: ReflectedColumn) -> dict[str, object]:
    """All but whether PostgreSQL would count for us: ids are given out by ourselves."""
    told = {name: value for name, value in found.items() if name != "autoincrement"}
    if str(told["default"]).startswith("nextval("):
        told["default"] = None
    return told | {"type": str(found["type"])}


def _plain(options: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in options.items()}


def test_a_new_database_is_made_as_the_migrations_would_make_it(empty: Site) -> None:
    engine = open_writer(empty.url)
    with engine.connect() as connection, connection.begin() as transaction:
        _upgrade(connection)
        migrated = _described(connection)
        ids = last_id(connection)
        transaction.rollback()
    prepare(empty.url)
    with engine.begin() as connection:
        assert _described(connection) == migrated
        assert last_id(connection) == ids
    assert any("where" in str(table["indexes"]) for table in migrated.values())
    engine.dispose()


def test_the_migrations_give_the_schema_of_the_code(empty: Site) -> None:
    engine = open_writer(empty.url)
    with engine.begin() as connection:
        _upgrade(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        found = inspect(connection)
        for table in metadata.sorted_tables:
            # Rows are written by position.
            columns = [column["name"] for column in found.get_columns(table.name)]
            assert columns == [column.name for column in table.columns]
    engine.dispose()


def test_a_new_database_has_the_views(site: Site) -> None:
    engine = open_writer(site.url)
    assert set(inspect(engine).get_view_names()) == set(VIEWS)
    engine.dispose()


def test_migrating_twice_changes_nothing(empty: Site) -> None:
    assert [prepare(empty.url), prepare(empty.url)] == [True, False]


def test_of_many_who_migrate_at_once_one_does_and_the_others_wait(empty: Site) -> None:
    with ThreadPoolExecutor(4) as threads:
        changed = list(threads.map(prepare, [empty.url] * 4))
    assert sorted(changed) == [False, False, False, True]


def test_a_migration_that_is_killed_midway_has_not_happened(empty: Site) -> None:
    """D26, F7: the old schema or the new one, never half."""
    killed = subprocess.run([sys.executable, "-c", DIES_MIDWAY, empty.url], check=False)
    assert killed.returncode == -signal.SIGKILL
    engine = open_writer(empty.url)
    with engine.begin() as connection:
        assert inspect(connection).get_table_names() == []
    assert prepare(empty.url)
    assert _revision(engine) == HEAD
    engine.dispose()


def test_a_database_of_a_newer_version_is_left_alone(site: Site) -> None:
    engine = open_writer(site.url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreTooNew, match="9999"):
        prepare(site.url)
    assert _revision(engine) == "9999"
    engine.dispose()
