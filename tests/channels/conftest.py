"""Doubles of the platforms, one for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.channels.line_double import Platform, platform
from tests.telegram_server import BotServer, bot_server


@pytest.fixture
def line() -> Iterator[Platform]:
    with platform() as running:
        yield running


@pytest.fixture
def bot() -> Iterator[BotServer]:
    with bot_server() as server:
        yield server
