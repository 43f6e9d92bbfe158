"""Doubles of the platforms, one for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.channels.api_double import opened
from tests.channels.graph_double import Graph
from tests.channels.line_double import Platform, platform
from tests.channels.twilio_double import Twilio
from tests.telegram_server import BotServer, bot_server


@pytest.fixture
def line() -> Iterator[Platform]:
    with platform() as running:
        yield running


@pytest.fixture
def bot() -> Iterator[BotServer]:
    with bot_server() as server:
        yield server


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with opened(Twilio()) as made:
        yield made


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with opened(Graph()) as made:
        yield made
