"""How a channel is called over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import httpx
import pytest
from prometheus_client import CollectorRegistry

from channels.base import Request, Response, Unavailable
from gateway.api.app import Door, Readiness
from store.store import Store
from tests.gateway.api.conftest import Filled, ask
from tests.gateway.api.seed import admission, state


@dataclass
class Bell:
    """A channel that remembers how it was called; `answers` is raised or given."""

    most: int = 1000
    answers: Response | Exception = Response(200, b"ok")
    calls: list[Request] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.calls.append(request)
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
async def caller(filled: Filled, bell: Bell) -> AsyncIterator[httpx.AsyncClient]:
    store = Store(filled.site.url, filled.site.data_dir, admission())
    plain = state(store, lambda: Readiness(ready=True), CollectorRegistry(), "Example Support")
    async with ask(Door(replace(plain, hooks={"bell": bell}))) as client:
        yield client
    await store.close()


async def test_a_channel_gets_the_request_as_it_came(caller: httpx.AsyncClient, bell: Bell) -> None:
    body = b"\x00\xff not json"
    answer = await caller.post(
        "/in/bell/deep/er?a=1&a=%202", content=body, headers={"X-Sign": "Yes"}
    )
    assert (answer.status_code, answer.content) == (200, b"ok")
    (call,) = bell.calls
    assert (call.method, call.path, call.query, call.body) == (
        "POST",
        "/deep/er",
        "a=1&a=%202",
        body,
    )
    assert call.headers["x-sign"] == "Yes"
    assert call.peer == "192.0.2.1"


async def test_what_it_answers_is_answered(caller: httpx.AsyncClient, bell: Bell) -> None:
    bell.answers = Response(201, b"<b>", (("Content-Type", "text/html"), ("X-More", "1")))
    answer = await caller.get("/in/bell")
    assert (answer.status_code, answer.text, answer.headers["x-more"]) == (201, "<b>", "1")
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_store_that_is_away_is_503_i22(caller: httpx.AsyncClient, bell: Bell) -> None:
    bell.answers = Unavailable()
    answer = await caller.post("/in/bell", content=b"{}")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"


async def test_too_much_is_413_and_nobody_is_called(caller: httpx.AsyncClient, bell: Bell) -> None:
    assert (await caller.post("/in/bell", content=b"x" * 1001)).status_code == 413
    assert not bell.calls


async def test_an_unknown_channel_is_404(caller: httpx.AsyncClient) -> None:
    assert (await caller.post("/in/nobody", content=b"")).status_code == 404
