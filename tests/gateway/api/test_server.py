"""The real server: it listens when it says so, stops when it is told, and leaves signals alone."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from gateway.api.server import bind, serve, serve_on
from tests.gateway.api.conftest import AUTHORIZED, Window


@asynccontextmanager
async def running(window: Window) -> AsyncIterator[str]:
    sockets = await bind("127.0.0.1", 0)
    started = asyncio.Event()
    task = asyncio.create_task(serve_on(window.app, sockets, started))
    async with asyncio.timeout(60):
        await started.wait()
    yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_answers_over_a_real_socket(window: Window) -> None:
    async with running(window) as base, httpx.AsyncClient(base_url=base) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/v1/events")).status_code == 401
        answer = await client.get("/v1/events", headers=AUTHORIZED)
        assert answer.status_code == 200
        assert "server" not in answer.headers
        raw = await client.get(f"/v1/messages/{window.ids.large}/raw", headers=AUTHORIZED)
        assert len(raw.content) == int(raw.headers["content-length"])
        head = await client.head("/healthz")
        assert (head.status_code, head.content) == (200, b"")


async def test_a_forwarded_address_is_not_believed(window: Window) -> None:
    """W12: the peer is who connects, so a guesser cannot be many."""
    async with running(window) as base, httpx.AsyncClient(base_url=base) as client:
        statuses = []
        for n in range(60):
            headers = {"Authorization": "Bearer wrong", "X-Forwarded-For": f"10.1.2.{n}"}
            statuses.append((await client.get("/v1/events", headers=headers)).status_code)
    assert set(statuses) == {401, 429}


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_connection_that_brings_no_request_is_closed(
    window: Window, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    async with running(window) as base, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
        whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        writer.write(whole)
        assert await reader.readuntil(b'"ok"}') != b""
        monkeypatch.setattr("gateway.api.server.PROMPT", 0.05)  # from the end of what comes now on
        writer.write(whole + begun)
        assert await reader.readuntil(b'"ok"}') != b""
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_what_is_no_request_gets_a_problem_too(window: Window) -> None:
    async with running(window) as base:
        for nonsense in (b"HELO example.com\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"):
            head, _, body = (await talk(base, nonsense)).partition(b"\r\n\r\n")
            assert head.split()[1] == b"400"
            assert b"application/problem+json" in head
            assert json.loads(body)["status"] == 400


async def test_one_connection_too_many_is_asked_to_come_again(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.api.server.MOST", 1)
    async with running(window) as base, httpx.AsyncClient(base_url=base) as client:
        assert (await client.get("/healthz")).status_code == 200
        answer = await talk(base, b"")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"application/problem+json" in answer
        assert (await client.get("/healthz")).status_code == 200


async def talk(base: str, request: bytes) -> bytes:
    """All that the server says to these octets until it hangs up."""
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
        writer.write(request)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


async def test_a_path_that_climbs_stays_outside(window: Window) -> None:
    """W12: no client tidies up this path before it is sent."""
    async with running(window) as base:
        for path in ("/docs/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//v1/events", "*"):
            request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            answer = await talk(base, request.encode())
            assert answer.split()[1] in {b"401", b"404"}, path
            assert b"root:" not in answer


async def test_signals_and_root_logger_stay_as_they_were(window: Window) -> None:
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    handlers, level = list(logging.root.handlers), logging.root.level
    async with running(window):
        assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == before
        assert list(logging.root.handlers) == handlers
        assert logging.root.level == level


async def test_a_taken_port_is_an_error_that_can_be_told() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
    ):
        await serve(None, "127.0.0.1", taken.getsockname()[1], asyncio.Event())  # type: ignore[arg-type]  # never reached


async def test_once_stopped_the_port_is_free(window: Window) -> None:
    async with running(window) as base:
        port = int(base.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        pass


async def test_stopping_waits_for_a_request_that_is_under_way(window: Window) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(scope: object, receive: object, send: object) -> None:
        asked.set()
        await go_on.wait()
        await window.app(scope, receive, send)  # type: ignore[arg-type]  # handed on as it came

    sockets = await bind("127.0.0.1", 0)
    task = asyncio.create_task(serve_on(slow, sockets, asyncio.Event()))
    base = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    async with httpx.AsyncClient(base_url=base) as client:
        answer = asyncio.create_task(client.get("/healthz"))
        await asked.wait()
        task.cancel()
        asyncio.get_running_loop().call_soon(go_on.set)
        assert (await answer).status_code == 200
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_every_address_of_a_host_gets_the_same_port() -> None:
    sockets = await bind("localhost", 0)
    try:
        assert len({one.getsockname()[1] for one in sockets}) == 1
        assert {one.proto for one in sockets} == {
            socket.IPPROTO_TCP
        }  # or asyncio lets answers wait
    finally:
        for one in sockets:
            one.close()
