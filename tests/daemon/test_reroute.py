"""An answer that goes by another way goes once, wherever the daemon is killed in between."""

from __future__ import annotations

import http.client
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.channels.http_peer import event
from tests.daemon.servers import (
    API_TOKEN,
    Site,
    await_ready,
    daemon,
    launch,
    lay_out,
    stop,
    wait_until,
)
from tests.soak.posts import ENVIRONMENT, post_to

WAYS = "".join(
    f"""
[[channel]]
name = "{name}"
type = "http"
url = "http://127.0.0.1:{{port}}/{name}"
secret = {{{{ env = "SHOP_SECRET" }}}}
"""
    for name in ("shop", "club")
)


class Sides(ThreadingHTTPServer):
    """Both other systems: the shop knows nobody any more, the club takes what is posted."""

    daemon_threads = True

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        super().__init__(("127.0.0.1", 0), _Post)


class _Post(BaseHTTPRequestHandler):
    server: Sides

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posted.append((self.path, said))
        is_gone = self.path == "/shop" and said["kind"] == "reply"
        body = b'{"reason": "address_dead"}' if is_gone else b"{}"
        self.send_response(410 if is_gone else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def sides() -> Iterator[Sides]:
    server = Sides()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def one(site: Site, query: str) -> Any:
    with closing(sqlite3.connect(site.database, timeout=30)) as connection, connection:
        return (connection.execute(query).fetchone() or (None,))[0]


def ask(site: Site, method: str, path: str, said: dict[str, Any] | None = None) -> Any:
    headers = {"Authorization": f"Bearer {API_TOKEN}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", site.http, timeout=30)) as connection:
        connection.request(method, path, json.dumps(said) if said else None, headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status < 300, body
        return body


def a_customer_of_both(site: Site, server: Sides) -> int:
    """The case of somebody who wrote by the club, and then by the shop."""
    with daemon(site, ENVIRONMENT, patience=120):
        for name in ("club", "shop"):
            assert post_to(site, name, f"w-{name}", event("help")) == 200
        wait_until(lambda: len(server.posted) == 2, 90, "both are acknowledged")
    case = one(site, "SELECT id FROM cases WHERE channel = 'shop'")
    whose = f"(SELECT customer_id FROM cases WHERE id = {case})"
    one(site, f"UPDATE identities SET customer_id = {whose}")
    there = f"(SELECT id FROM conversations WHERE customer_id = {whose})"
    one(site, f"UPDATE messages SET conversation_id = {there}, customer_id = {whose}")
    return int(case)


@pytest.mark.daemon
@pytest.mark.timeout(600)
def test_killed_before_and_after_the_commit_it_is_said_once(tmp_path: Path) -> None:
    with sides() as server:
        site = lay_out(tmp_path, more=WAYS.format(port=server.server_address[1]))
        case = a_customer_of_both(site, server)
        before = launch(site, ENVIRONMENT | {"MADOGUCHI_FAILPOINT": "F15:1"})
        try:
            await_ready(site, before, 120)
            lost = ask(site, "POST", f"/v1/cases/{case}/reply", {"text": "Here is how."})["id"]
            before.wait(120)
        finally:
            stop(before)
        assert one(site, "SELECT count(*) FROM messages WHERE instead_of IS NOT NULL") == 0
        after = launch(site, ENVIRONMENT | {"MADOGUCHI_FAILPOINT": "F15:2"})
        try:
            after.wait(120)
        finally:
            stop(after)
        assert one(site, "SELECT count(*) FROM messages WHERE instead_of IS NOT NULL") == 1
        with daemon(site, ENVIRONMENT, patience=120):
            wait_until(
                lambda: one(site, "SELECT count(*) FROM outbox WHERE state = 'sent'") == 3,
                60, "the answer is sent",
            )  # fmt: skip
            chain = ask(site, "GET", f"/v1/messages/{lost}")
            instead = ask(site, "GET", f"/v1/messages/{chain['replaced_by']}")
        assert (chain["status"], instead["status"], instead["instead_of"]) == (
            "failed",
            "sent",
            lost,
        )
        said = [
            one["text"] for path, one in server.posted if path == "/club" and one["kind"] == "reply"
        ]
        assert said == ["Here is how."]
