"""One browser and one shop for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.daemon.browser import Browser, browser
from tests.daemon.servers import require
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
