"""What many tests stand on: a whole desk on SQLite in a folder of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.making import Desk, opened


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """The gateway's parts, reading in this process; its one relay is trusted."""
    async with opened(tmp_path) as desk:
        yield desk
