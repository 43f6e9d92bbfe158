"""One browser and one shop for all tests of a module, and a store of either kind for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.browser import Browser, browser
from tests.daemon.servers import postgres, require
from tests.daemon.web_shop import Place, shop


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    require("chromium")
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with shop(tmp_path_factory.mktemp("web")) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/madoguchi.db"
        return
    require("postgres")
    with postgres() as server:
        yield server.create("madoguchi")
