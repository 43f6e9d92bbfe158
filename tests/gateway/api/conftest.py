"""The API on a filled store, on each database, and somebody who asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from gateway.api.app import Door, Readiness
from store.store import Store
from tests.gateway.api.seed import SECRET, Seeded, Site, admission, database, seeded
from tests.gateway.api.seed import state as fresh

AUTHORIZED = {"Authorization": f"Bearer {SECRET}"}


@dataclass(frozen=True)
class Filled:
    """A filled database and the ids in it."""

    site: Site
    ids: Seeded


@dataclass
class Window:
    """The application, what it stands on, and two clients: one with a token and one without."""

    app: Door
    store: Store
    ids: Seeded
    readiness: list[Readiness]
    client: httpx.AsyncClient
    stranger: httpx.AsyncClient

    async def routes(self) -> list[str]:
        """Every address that the application behind the door knows."""
        loaded: Any = await self.app._application()
        return [route.path for route in loaded.routes]

    def from_peer(self, address: str) -> httpx.AsyncClient:
        return ask(self.app, address)


def ask(app: Door, peer: str = "192.0.2.1", **options: object) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(peer, 4711), raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://window.test", **options)  # type: ignore[arg-type]  # passed through


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    with database(request.param, tmp_path_factory.mktemp("api")) as site:
        yield Filled(site, seeded(site))


@pytest.fixture
async def window(filled: Filled) -> AsyncIterator[Window]:
    store = Store(filled.site.url, filled.site.data_dir, admission())
    readiness = [Readiness(ready=True)]
    app = Door(fresh(store, lambda: readiness[-1], CollectorRegistry(), "Example Support"))
    async with ask(app, headers=AUTHORIZED) as client, ask(app) as stranger:
        yield Window(app, store, filled.ids, readiness, client, stranger)
    await store.close()
