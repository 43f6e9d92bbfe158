"""W12: who asks is who connects, unless a proxy of ours says for whom it asks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from channels.base import Request, Response
from gateway.api.app import Door, Readiness
from gateway.api.peer import peer
from store.store import Store
from tests.gateway.api.conftest import Filled, ask
from tests.gateway.api.seed import admission, state

OURS = ("192.0.2.0/24", "2001:db8::1")


@pytest.mark.parametrize(
    ("connected", "forwarded", "found"),
    [
        ("198.51.100.1", ["203.0.113.9"], "198.51.100.1"),  # a stranger's word
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.9"], "203.0.113.9"),
        ("192.0.2.1", ["10.0.0.1, 203.0.113.9"], "203.0.113.9"),  # the first is hearsay
        ("192.0.2.1", ["10.0.0.1", "203.0.113.9, 192.0.2.7"], "203.0.113.9"),
        ("192.0.2.1", ["192.0.2.9,192.0.2.8"], "192.0.2.9"),
        ("192.0.2.1", ["203.0.113.9, nonsense"], "192.0.2.1"),
        ("192.0.2.1", [" , "], "192.0.2.1"),
        ("2001:db8::1", ["2001:db8:1::5"], "2001:db8:1::5"),
        ("", ["203.0.113.9"], ""),
    ],
)
def test_a_forwarded_address_counts_from_our_own_proxies_alone(
    connected: str, forwarded: list[str], found: str
) -> None:
    assert peer(connected, forwarded, OURS) == found


class Bell:
    most = 10

    async def answer(self, request: Request) -> Response:
        return Response(200, request.peer.encode())


@pytest.mark.parametrize(("proxies", "found"), [((), "192.0.2.1"), (("192.0.2.1",), "203.0.113.9")])
async def test_a_channel_hears_whom_the_proxy_asks_for(
    filled: Filled, proxies: tuple[str, ...], found: str
) -> None:
    store = Store(filled.site.url, filled.site.data_dir, admission())
    plain = state(store, lambda: Readiness(ready=True), CollectorRegistry(), "Example Support")
    app = Door(replace(plain, hooks={"bell": Bell()}, proxies=proxies))
    async with ask(app) as client:
        answer = await client.get("/in/bell", headers={"X-Forwarded-For": "10.0.0.1, 203.0.113.9"})
    await store.close()
    assert answer.text == found
