"""An empty database for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from store.store import Store, prepare
from tests.daemon.servers import Postgres, postgres, require
from tests.store.house import Site, opened


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    require("postgres")
    # Many databases are made and thrown away here; none has to outlive a power cut.
    with postgres({"fsync": "off", "full_page_writes": "off"}) as running:
        yield running


@pytest.fixture
def sqlite(tmp_path: Path) -> Site:
    return Site(f"sqlite:///{tmp_path / 'madoguchi.db'}", tmp_path)


@pytest.fixture(scope="session")
def database(server: Postgres) -> str:
    return server.create("store")


@pytest.fixture
def postgresql(server: Postgres, database: str, tmp_path: Path) -> Site:
    """Emptied, not made anew: a server takes long to put away hundreds of databases."""
    with psycopg.connect(server.dsn("store"), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return Site(database, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest) -> Site:
    """A database that nobody has migrated."""
    site = request.getfixturevalue(request.param)
    assert isinstance(site, Site)
    return site


@pytest.fixture
def site(empty: Site) -> Site:
    """A database at the present schema, with nothing in it."""
    prepare(empty.url)
    return empty


@pytest.fixture
async def store(site: Site) -> AsyncIterator[Store]:
    async with opened(site) as running:
        yield running
