"""uvicorn as a guest in our loop: it listens, answers and stops; signals and logs are ours."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.api.asgi import Application
from gateway.api.problem import MEDIA_TYPE, problem

GRACE = 5  # seconds that open requests have when we stop
MOST = 500  # connections; more are answered 503, so that mail always finds a free descriptor
PROMPT = 15.0  # seconds in which a connection brings its next request, whole


class _Prompt(H11Protocol):
    """A connection that is closed when it is only kept open; uvicorn times the first bytes at most."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > MOST:
            self._part(503, "Too many connections are open. Please try again in a moment.")
        else:
            self._expect()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words are not a problem document
        self._part(400, "This is no HTTP request that we can read.")

    def _part(self, status: int, detail: str) -> None:
        """Say why, and close."""
        what = problem(status, detail)
        body = msgspec.json.encode(what)
        head = (
            f"HTTP/1.1 {status} {what.title}\r\nContent-Type: {MEDIA_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._expect()

    def _expect(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(PROMPT, self._late)

    def _late(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)


class _Guest(uvicorn.Server):
    """A server that says when it listens, and leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config, listening: asyncio.Event) -> None:
        super().__init__(config)
        self._listening = listening

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set()


async def serve(app: Application, host: str, port: int, started: asyncio.Event) -> None:
    """Answer on host and port until cancelled; sets `started` once it listens.

    Raises OSError when the port cannot be had.
    """
    await serve_on(app, await bind(host, port), started)


async def bind(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of the host; port 0 takes a free one, the same for all."""
    loop = asyncio.get_running_loop()
    flags = socket.AI_PASSIVE
    infos = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=flags)
    with ExitStack() as undo:
        bound: list[socket.socket] = []
        for family, kind, protocol, _, address in dict.fromkeys(infos):
            port = port or (bound[0].getsockname()[1] if bound else 0)
            # With its protocol named, asyncio sets TCP_NODELAY: else an answer waits 40 ms.
            one = socket.socket(family, kind, protocol)
            undo.callback(one.close)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((address[0], port, *address[2:]))
            bound.append(one)
        undo.pop_all()
    return bound


async def serve_on(app: Application, sockets: list[socket.socket], started: asyncio.Event) -> None:
    """As `serve`, on sockets that are bound already; they are closed at the end."""
    server = _Guest(_config(app), started)
    task = asyncio.ensure_future(server.serve(sockets))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        server.should_exit = True
        await task
        raise
    finally:
        for one in sockets:
            one.close()


def _config(app: Application) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Prompt,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # a peer is who connects, not whom it claims to forward
        timeout_keep_alive=15,
        timeout_graceful_shutdown=GRACE,
    )
