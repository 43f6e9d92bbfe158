"""A system that posts until it hears 200 loses nothing and doubles nothing, however we end."""

from __future__ import annotations

import http.client
import json
import sqlite3
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from channels.standard_webhooks import key_of, signed
from tests.channels.http_peer import SECRET, event
from tests.daemon.servers import Site, await_ready, daemon, launch, lay_out, stop, wait_until

TABLE = """
[[channel]]
name = "shop"
type = "http"
url = "http://127.0.0.1:{port}/hook"
secret = {{ env = "SHOP_SECRET" }}
"""
ENVIRONMENT = {"SHOP_SECRET": SECRET}
MESSAGES, KILLS, SENDERS = 120, 4, 8

pytestmark = pytest.mark.daemon


class Shop(ThreadingHTTPServer):
    """The other side: takes what is posted, by the id of whom it is for."""

    daemon_threads = True

    def __init__(self) -> None:
        self.posted: defaultdict[str, Counter[str]] = defaultdict(Counter)
        super().__init__(("127.0.0.1", 0), _Post)

    @property
    def port(self) -> int:
        return self.server_address[1]


class _Post(BaseHTTPRequestHandler):
    server: Shop

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posted[body["to"]["id"]][self.headers["webhook-id"]] += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def shop() -> Iterator[Shop]:
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def post(site: Site, id_: str, body: bytes) -> int:
    """The status of one try; 0 if nothing was heard."""
    headers = signed(key_of(SECRET), id_, body, datetime.now(UTC))
    with closing(http.client.HTTPConnection("127.0.0.1", site.http, timeout=20)) as connection:
        try:
            connection.request("POST", "/in/shop", body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0


def until_taken(site: Site, number: int, taken: list[int]) -> None:
    """The same event under the same id until it is 200."""
    person = {"id": f"u-{number}", "name": "Yuki"}
    body = event(f"message {number}", **{"from": person})
    deadline = time.monotonic() + 200
    while (status := post(site, f"w-{number}", body)) != 200:
        assert status in {0, 503}, status
        assert time.monotonic() < deadline
        time.sleep(0.02)
    taken.append(number)


def stored(site: Site) -> Counter[str]:
    with closing(sqlite3.connect(site.database)) as connection:
        found = connection.execute("SELECT text FROM v_messages WHERE direction = 'in'").fetchall()
    return Counter(text for (text,) in found)


def left_to_send(site: Site) -> int:
    with closing(sqlite3.connect(site.database)) as connection:
        sql = "SELECT count(*) FROM v_messages WHERE status IN ('queued', 'sending', 'deferred')"
        count: int = connection.execute(sql).fetchone()[0]
    return count


@pytest.mark.timeout(300)
def test_every_event_is_stored_once_over_four_kills(tmp_path: Path) -> None:
    """And nobody reads two acknowledgements."""
    with shop() as other:
        site = lay_out(tmp_path, more=TABLE.format(port=other.port))
        taken: list[int] = []
        process = launch(site, ENVIRONMENT)
        with ThreadPoolExecutor(SENDERS) as pool:
            try:
                await_ready(site, process)
                work = [pool.submit(until_taken, site, n, taken) for n in range(MESSAGES)]
                for kill in range(KILLS):
                    due = (kill + 1) * MESSAGES // (KILLS + 2)
                    wait_until(partial(_holds, taken, due), 60, f"{due} are taken")
                    process = _killed(site, process)
                for one in work:
                    one.result()
                wait_until(lambda: not left_to_send(site), 60, "the outbox is empty")
            finally:
                stop(process)
    assert sorted(taken) == list(range(MESSAGES))
    assert stored(site) == {f"message {number}": 1 for number in range(MESSAGES)}
    doubled = {person: keys for person, keys in other.posted.items() if len(keys) > 1}
    assert doubled == {}
    assert len(other.posted) >= MESSAGES - 20 * KILLS  # what was being sent is in doubt


def _holds(taken: list[int], count: int) -> bool:
    return len(taken) >= count


def _killed(site: Site, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    process.kill()
    process.wait(30)
    again = launch(site, ENVIRONMENT)
    with suppress(TimeoutError):
        await_ready(site, again)
    return again


def test_the_contract_on_the_real_daemon(tmp_path: Path) -> None:
    """W01: a message, its replay, a forgery; and the acknowledgement goes out signed."""
    with shop() as other:
        site = lay_out(tmp_path, more=TABLE.format(port=other.port))
        body = event("Where is my parcel?", id="m-1")
        with daemon(site, ENVIRONMENT):
            assert post(site, "w-1", body) == 200
            assert post(site, "w-1", body) == 200
            assert post(site, "w-2", body) == 200  # the same message by its own id
            assert post(site, "w-3", b'{"type": "dance"}') == 400
            wait_until(lambda: len(other.posted) == 1, 30, "it is acknowledged")
            (key,) = other.posted["u-17"]
            told = {"type": "report", "message": key, "state": "read"}
            assert post(site, "w-4", json.dumps(told).encode()) == 200
            assert post(site, "w-5", json.dumps(told | {"message": "x"}).encode()) == 422
        assert stored(site) == {"Where is my parcel?": 1}
        assert SECRET not in site.log.read_text("utf-8")
