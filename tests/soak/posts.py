"""A system that posts until it hears 200, and a daemon that is killed: `python -m tests.soak.posts`."""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
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
from typing import Any, NamedTuple

from channels.standard_webhooks import key_of, signed
from tests.channels.http_peer import SECRET, event
from tests.daemon.servers import Site, await_ready, launch, lay_out, stop, wait_until
from tests.soak.given import A_MOMENT, LEFT, silent, told_by_hand

TABLE = """
[[channel]]
name = "shop"
type = "http"
url = "http://127.0.0.1:{port}/hook"
secret = {{ env = "SHOP_SECRET" }}
"""
ENVIRONMENT = {"SHOP_SECRET": SECRET}
SENDERS = 8


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
        octets = self.rfile.read(length := int(self.headers["Content-Length"]))
        if len(octets) < length:  # the daemon was killed while it posted
            return
        body = json.loads(octets)
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
    return post_to(site, "shop", id_, body)


def post_to(site: Site, channel: str, id_: str, body: bytes) -> int:
    headers = signed(key_of(SECRET), id_, body, datetime.now(UTC))
    with closing(http.client.HTTPConnection("127.0.0.1", site.http, timeout=60)) as connection:
        try:
            connection.request("POST", f"/in/{channel}", body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0


def until_taken(site: Site, number: int, taken: list[int]) -> None:
    """The same event under the same id until it is 200."""
    person = {"id": f"u-{number}", "name": "Yuki"}
    body = event(f"message {number}", **{"from": person})
    deadline = time.monotonic() + 900
    while (status := post(site, f"w-{number}", body)) != 200:
        assert status in {0, 503}, status
        assert time.monotonic() < deadline
        time.sleep(0.02)
    taken.append(number)


def stored(site: Site) -> Counter[str]:
    with closing(sqlite3.connect(site.database)) as connection:
        found = connection.execute("SELECT text FROM v_messages WHERE direction = 'in'").fetchall()
    return Counter(text for (text,) in found)


def is_settled(site: Site) -> bool:
    with closing(sqlite3.connect(site.database)) as connection:
        return connection.execute(LEFT).fetchone() is None


class Books(NamedTuple):
    """What there was in the end: texts in the store, and by person the messages that were posted."""

    taken: int
    stored: Counter[str]
    posted: dict[str, Counter[str]]
    silent: list[str]

    def faults(self, messages: int) -> list[str]:
        """What is lost or doubled; what was being sent at a kill is in doubt, and not sent again."""
        texts = {f"message {number}" for number in range(messages)}
        lost, doubled = texts - set(self.stored), [t for t, n in self.stored.items() if n > 1]
        twice = [person for person, keys in self.posted.items() if keys.total() > 1]
        found = [("lost", lost), ("stored twice", doubled), ("acknowledged twice", twice),
                 ("never acknowledged", self.silent)]  # fmt: skip
        return [f"{what}: {sorted(which)}" for what, which in found if which]


def outlive(folder: Path, messages: int, kills: int, seed: int = 1) -> Books:
    """Post all of them while the daemon is killed so often, and look at what is left."""
    draw = random.Random(seed)
    with shop() as other:
        site = lay_out(folder, more=TABLE.format(port=other.port))
        taken: list[int] = []
        process = launch(site, ENVIRONMENT)
        with ThreadPoolExecutor(SENDERS) as pool:
            try:
                await_ready(site, process, 120)
                work = [pool.submit(until_taken, site, n, taken) for n in range(messages)]
                for kill in range(kills):
                    due = (kill + 1) * messages // (kills + 2)
                    wait_until(partial(_holds, taken, due), 120, f"{due} are taken")
                    time.sleep(draw.uniform(0, A_MOMENT))
                    process = _killed(site, process)
                for one in work:
                    one.result()
                wait_until(lambda: is_settled(site), 120, "all is read and answered")
            finally:
                stop(process)
        unheard = {f"u-{number}" for number in range(messages)} - other.posted.keys()
        unsaid = silent(site.database, (f"http-shop:{name}" for name in unheard))
        return Books(len(taken), stored(site), dict(other.posted), unsaid)


def _holds(taken: list[int], count: int) -> bool:
    return len(taken) >= count


def _killed(site: Site, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    process.kill()
    process.wait(30)
    again = launch(site, ENVIRONMENT)
    with suppress(TimeoutError):
        await_ready(site, again)
    return again


def main() -> int:
    """1,000 events under 20 kills; 1 if anything is lost or doubled."""
    messages, kills, seed = told_by_hand("tests.soak.posts", messages=1000, kills=20)
    with tempfile.TemporaryDirectory(prefix="madoguchi-soak-") as folder:
        books = outlive(Path(folder), messages, kills, seed)
    faults = books.faults(messages)
    sys.stdout.write(
        f"http: {books.taken} taken, {books.stored.total()} stored,"
        f" {len(books.posted)} acknowledged; {kills} kills, seed {seed}\n"
        + "".join(f"{fault}\n" for fault in faults)
    )
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
