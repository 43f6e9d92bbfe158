"""Every error is a problem that a program can read, and says nothing about our inside."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from gateway.api.app import Door, Readiness
from tests.gateway.api.conftest import AUTHORIZED, Window, ask
from tests.gateway.api.seed import state as fresh

BAD = [
    ("GET", "/nowhere", 404),
    ("GET", "/schema", 404),
    ("GET", "/openapi", 404),
    ("GET", "/docs/%2e%2e/%2e%2e/etc/passwd", 404),
    ("POST", "/healthz", 405),
    ("POST", "/", 405),
    ("GET", "/v1", 404),
    ("GET", "/v1/nowhere", 404),
    ("PUT", "/v1/events", 405),
    ("GET", "/v1/events?after=-1", 400),
    ("GET", "/v1/events?after=x", 400),
    ("GET", "/v1/events?after=99999999999999999999", 400),
    ("GET", "/v1/events?limit=0", 400),
    ("GET", "/v1/events?limit=201", 400),
    ("GET", "/v1/events?limit=", 400),
    ("GET", "/v1/cases?status=lost", 400),
    ("GET", "/v1/conversations?order=random", 400),
    ("GET", "/v1/messages/0", 400),
    ("GET", "/v1/messages/1.5", 404),
    ("GET", "/v1/messages/-1", 400),
    ("GET", "/v1/messages/1'%20or%201=1", 404),
    ("GET", "/v1/messages/" + "9" * 30, 400),
    ("GET", "/v1/messages/" + "9" * 5000, 404),
    ("GET", "/v1/messages/9007199254740991", 404),
    ("GET", "/v1/messages/9007199254740991/raw", 404),
    ("GET", "/v1/messages/1/parts/9007199254740991", 404),
    ("GET", "/v1/conversations/9007199254740991", 404),
    ("GET", "/v1/cases/9007199254740991", 404),
]


@pytest.mark.parametrize(("method", "path", "status"), BAD)
async def test_an_error_is_a_problem(window: Window, method: str, path: str, status: int) -> None:
    answer = await window.client.request(method, path)
    assert answer.status_code == status
    assert_problem(answer)
    if status == 405:
        assert "GET" in answer.headers["allow"]


async def test_a_bad_value_is_named_with_its_limits(window: Window) -> None:
    answer = await window.client.get("/v1/events?limit=999&after=-5")
    assert "limit" in answer.json()["detail"]
    assert "200" in answer.json()["detail"]
    assert "after" in answer.json()["detail"]


async def test_a_defect_of_ours_is_told_without_its_words() -> None:
    """G01: an exception may carry what a customer wrote; neither answer nor log repeats it."""

    class Broken:
        async def read(self, query: object) -> object:
            raise RuntimeError("canary: dear support, my secret is …")

    state = fresh(Broken(), lambda: Readiness(ready=True), CollectorRegistry(), "Broken")
    with capture_logs() as logs:
        async with ask(Door(state), headers=AUTHORIZED) as client:
            answer = await client.get("/readyz")
    assert answer.status_code == 500
    assert_problem(answer)
    assert "canary" not in answer.text
    assert [entry["event"] for entry in logs] == ["http.failed"]
    assert "canary" not in str(logs)
    assert logs[0]["error"] == "RuntimeError"


async def test_every_answer_carries_the_headers_that_protect_its_reader(window: Window) -> None:
    for path in ("/", "/docs", "/openapi.json", "/healthz", "/metrics", "/nowhere", "/v1/events"):
        for client in (window.client, window.stranger):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "server" not in headers


def assert_problem(answer: httpx.Response) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    assert body["detail"]
    for inside in ("Traceback", "sqlalchemy", "sqlite", "psycopg", "litestar"):
        assert inside not in answer.text
