"""Whoever watches is told the truth, without a token."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge

from gateway.api.app import ApiState, Door, Readiness
from gateway.api.reads import Reads
from store.engine import StoreUnavailable
from store.store import Store, prepare
from tests.daemon.servers import Postgres, postgres, require
from tests.gateway.api.conftest import AUTHORIZED, Window, ask
from tests.gateway.api.seed import admission
from tests.gateway.api.seed import state as fresh


class Dead:
    """A store that does not answer: it fails at once, or when it is let go."""

    def __init__(self, hang: threading.Event | None = None) -> None:
        self.hang = hang
        self.asked = 0

    async def read(self, query: object) -> object:
        self.asked += 1
        if self.hang is not None:
            await asyncio.to_thread(self.hang.wait)
        raise StoreUnavailable("canary: host=db.internal password=hunter2")


def on_dead(store: Dead) -> ApiState:
    return fresh(store, lambda: Readiness(ready=True), CollectorRegistry(), "Dead")


async def test_alive_and_ready(window: Window) -> None:
    assert (await window.stranger.get("/healthz")).status_code == 200
    answer = await window.stranger.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready"}


async def test_a_channel_that_fell_silent_is_named_and_takes_nobody_down(window: Window) -> None:
    window.readiness.append(Readiness(ready=True, attention=("mailbox: silent",)))
    answer = await window.stranger.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "attention": ["mailbox: silent"]}


async def test_a_listener_that_does_not_accept_is_named(window: Window) -> None:
    window.readiness.append(Readiness(ready=False, missing=("mail",)))
    answer = await window.stranger.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["missing"] == ["mail"]
    assert "mail" in answer.json()["detail"]
    assert answer.headers["retry-after"]


async def test_not_ready_without_a_name_is_not_ready(window: Window) -> None:
    window.readiness.append(Readiness(ready=False))
    assert (await window.stranger.get("/readyz")).status_code == 503


async def test_without_a_store_we_are_alive_but_not_ready() -> None:
    async with ask(Door(on_dead(Dead()))) as stranger:
        assert (await stranger.get("/healthz")).status_code == 200
        answer = await stranger.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["missing"] == ["store"]


async def test_without_a_store_a_request_may_come_again_and_learns_nothing_of_ours() -> None:
    async with ask(Door(on_dead(Dead())), headers=AUTHORIZED) as client:
        answer = await client.get("/v1/conversations")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert "canary" not in answer.text


async def test_a_store_that_hangs_is_asked_once_however_many_want_to_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.api.vitals.PATIENCE", 0.05)
    hang = threading.Event()
    dead = Dead(hang)
    try:
        async with ask(Door(on_dead(dead))) as stranger:
            for _ in range(5):
                assert (await stranger.get("/readyz")).status_code == 503
        assert dead.asked == 1
    finally:
        hang.set()


async def test_a_read_that_hangs_ends_as_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.api.reads.PATIENCE", 0.05)
    hang = threading.Event()
    reads = Reads(Dead(hang))  # type: ignore[arg-type]  # all that is asked of a store here
    try:
        with pytest.raises(StoreUnavailable, match="too long"):
            await reads(lambda _: None)
    finally:
        hang.set()


async def test_a_server_that_stands_still_costs_503_and_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("postgres")
    with postgres() as server:
        url = server.create("still")
        prepare(url)
        store = Store(url, tmp_path, admission())
        state = fresh(store, lambda: Readiness(ready=True), CollectorRegistry(), "Still")
        try:
            async with ask(Door(state), headers=AUTHORIZED) as client:
                with monkeypatch.context() as hasty, standing_still(server):
                    hasty.setattr("gateway.api.reads.PATIENCE", 0.2)
                    hasty.setattr("gateway.api.vitals.PATIENCE", 0.2)
                    answer = await client.get("/v1/events")
                    assert answer.status_code == 503
                    assert answer.headers["retry-after"]
                    assert (await client.get("/readyz")).json()["missing"] == ["store"]
                    assert (await client.get("/healthz")).status_code == 200
                async with asyncio.timeout(60):
                    while (await client.get("/readyz")).status_code != 200:
                        assert (await client.get("/healthz")).status_code == 200
                assert (await client.get("/v1/events")).status_code == 401  # no token was made here
        finally:
            await store.close()


@contextmanager
def standing_still(server: Postgres) -> Iterator[None]:
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


async def test_metrics_are_those_of_the_registry(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    Gauge("madoguchi_test", "For a test.", registry=registry).set(42)
    state = fresh(Dead(), lambda: Readiness(ready=True), registry, "Metrics")
    async with ask(Door(state)) as stranger:
        await stranger.get("/nowhere")
        answer = await stranger.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["content-type"].count("charset") == 1
    assert "madoguchi_test 42.0" in answer.text
    assert 'madoguchi_http_requests_total{area="other",status="404"} 1.0' in answer.text


async def test_the_real_store_answers_a_probe(window: Window) -> None:
    assert isinstance(window.store, Store)
    assert (await window.stranger.head("/readyz")).status_code == 200


def test_whoever_watches_us_loads_nothing_and_whoever_asks_for_more_loads_it() -> None:
    """And nothing comes along for shapes that are not ours."""
    script = """
import asyncio, sys
from prometheus_client import CollectorRegistry
from gateway.api.app import ApiState, Door, Readiness

class Answers:
    async def read(self, query):
        return True

async def main():
    ready = lambda: Readiness(ready=True)
    door = Door(ApiState(Answers(), ready, CollectorRegistry(), "x", None, None, None))
    told = []
    async def send(message):
        if "status" in message:
            told.append(message["status"])
    for path in ("/healthz", "/readyz", "//metrics/", "/nowhere"):
        before = "litestar" in sys.modules
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
                 "query_string": b"", "headers": [], "client": ("192.0.2.1", 1), "root_path": ""}
        await door(scope, None, send)
    print(told, before, [m for m in ("litestar", "pydantic.v1", "attrs") if m in sys.modules])

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[200, 200, 200, 404] False ['litestar']"
