"""A world of customers on each database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.store import prepare
from tests.gateway.api.seed import database
from tests.gateway.links.world import World
from tests.making import empty_database


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    """On SQLite alone."""
    shutil.copy(empty_database(), tmp_path / "desk.db")
    yield from _opened(f"sqlite:///{tmp_path / 'desk.db'}")


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with database(request.param, tmp_path) as site:
        prepare(site.url)
        yield from _opened(site.url)


def _opened(url: str) -> Iterator[World]:
    found = World(url)
    yield found
    found.close()
