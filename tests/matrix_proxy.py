"""Stands between us and a homeserver: sees what is asked, and lets it fail as it is told."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit


class Said(NamedTuple):
    """What we sent: the room, the transaction's name, the content."""

    room: str
    transaction: str
    content: dict[str, Any]


class Proxy:
    """`refusal` answers what we send; `mode` is down, or vanishes with what we send. Whatever is
    asked about the room `broken` ends in a 500, or with `hangs` in nothing.

    An event is `done` once the cursor behind it was asked with: nobody asks for it again.
    """

    def __init__(self, homeserver: str) -> None:
        self.homeserver = urlsplit(homeserver)
        self.url, self.mode, self.broken, self.hangs = "", "", "", False
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.said: list[Said] = []
        self.done: set[str] = set()
        self.given: set[str] = set()
        self.confirming: Callable[[set[str]], None] = lambda _: None
        self.paths: list[str] = []
        self.queries: list[dict[str, list[str]]] = []
        self._behind: defaultdict[str, set[str]] = defaultdict(set)
        self._last = ""

    def asking(self, path: str, body: bytes) -> None:
        parts = urlsplit(path)
        self.paths.append(parts.path)
        self.queries.append(query := parse_qs(parts.query))
        if parts.path.endswith("/sync"):
            done = set(self._behind[query.get("since", [""])[0]])
            self.confirming(done)
            self.done |= done
        elif "/send/" in parts.path:
            *_, room, _, _, transaction = parts.path.split("/")
            self.said.append(Said(unquote(room), unquote(transaction), json.loads(body)))

    def told(self, path: str, body: bytes) -> None:
        """Remember behind which cursor the events of an answer lie."""
        where = urlsplit(path).path
        if where.endswith("/sync"):
            answer = json.loads(body)
            self._last = answer.get("next_batch", "")
            for room in answer.get("rooms", {}).get("join", {}).values():
                self._note(room["timeline"]["events"])
        elif where.endswith("/messages"):
            self._note(json.loads(body).get("chunk", []))

    def _note(self, events: list[dict[str, Any]]) -> None:
        ids = {event["event_id"] for event in events}
        self.given |= ids
        self._behind[self._last] |= ids


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def _serve(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if proxy.mode == "down":
            self.close_connection = True
            return
        proxy.asking(self.path, body)
        if proxy.refusal and "/send/" in self.path:
            status, said = proxy.refusal
            proxy.said.pop()
            self._tell(status, "application/json", json.dumps(said).encode())
            return
        if proxy.broken and f"/rooms/{proxy.broken}/" in unquote(self.path):
            self.close_connection = proxy.hangs
            if not proxy.hangs:
                self._tell(500, "application/json", b'{"errcode": "M_UNKNOWN"}')
            return
        status, kind, answer = self._passed_on(body)
        if status == 200:
            proxy.told(self.path, answer)
        if proxy.mode == "vanishes" and "/send/" in self.path:
            self.close_connection = True
            return
        self._tell(status, kind, answer)

    def _passed_on(self, body: bytes) -> tuple[int, str, bytes]:
        there = self.server.proxy.homeserver
        line = HTTPConnection(there.hostname or "", there.port or 0, timeout=60)
        headers = {
            name: self.headers[name]
            for name in ("Authorization", "Content-Type")
            if name in self.headers
        }
        try:
            line.request(self.command, self.path, body or None, headers)
            reply = line.getresponse()
            return reply.status, reply.headers.get("Content-Type", ""), reply.read()
        finally:
            line.close()

    def _tell(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _serve  # noqa: N815  the library's names

    def handle(self) -> None:
        # We were killed in the middle of a call, or the homeserver was.
        with suppress(OSError, HTTPException):
            super().handle()

    def log_message(self, *_: object) -> None:
        pass


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)


@contextmanager
def proxy_of(homeserver: str) -> Iterator[Proxy]:
    proxy = Proxy(homeserver)
    with _Http(proxy) as server:
        proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
