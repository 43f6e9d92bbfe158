"""Matrix on the real daemon and a real homeserver: nothing lost, doubled, or passed before commit."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.daemon.servers import Site, await_ready, daemon, launch, lay_out, wait_until
from tests.daemon.synapse import Person, Synapse, synapse
from tests.matrix_proxy import proxy_of
from tests.soak.given import A_MOMENT, LEFT, silent, told_by_hand

pytestmark = [pytest.mark.daemon, pytest.mark.xdist_group("synapse")]

CHANNEL = """
[[channel]]
name = "mx"
type = "matrix"
homeserver = "{url}"
user = "{user}"
access_token = {{ env = "MATRIX_TOKEN" }}
"""
PATIENCE = 120.0  # seconds for a start: the library alone takes long on a busy machine
WRITERS = 12


def rows(site: Site, query: str) -> list[tuple[object, ...]]:
    where = f"file:{site.database}?mode=ro"
    with closing(sqlite3.connect(where, uri=True, timeout=30)) as connection:
        return connection.execute(query).fetchall()


def laid_out(folder: Path, url: str, desk: Person) -> Site:
    return lay_out(folder, more=CHANNEL.format(url=url, user=desk.user))


class Ended(NamedTuple):
    """What the books say at the end: text → how often it is a message, and what went wrong.

    `twice` are customers with two acknowledgements; `silent` are those that have none, of which we
    are not in doubt either.
    """

    stored: dict[str, int]
    early: set[str]
    twice: list[str]
    silent: list[str]


class Writers:
    """Customers with a chat each; `wanted` are the ids of what they wrote."""

    def __init__(self, server: Synapse, desk: Person) -> None:
        people = [server.person() for _ in range(WRITERS)]
        self._chats = [(person, person.chat_with(desk.user)) for person in people]
        self.wanted: set[str] = set()

    def write(self, numbers: range) -> None:
        for number in numbers:
            person, room = self._chats[number % WRITERS]
            self.wanted.add(person.say(room, f"line {number}"))

    def heard(self, user: str) -> dict[str, int]:
        """How often somebody said something, by the customer who read it."""
        told = ((person.user, person.events(room)) for person, room in self._chats)
        return {
            reader: sum(e["sender"] == user and "body" in e["content"] for e in events)
            for reader, events in told
        }


def killed(server: Synapse, folder: Path, events: int, kills: int, seed: int = 1) -> Ended:
    """So many events while the daemon is killed so often, each a moment after it was given some."""
    desk, draw = server.person(), random.Random(seed)
    writers, early = Writers(server, desk), set[str]()
    with proxy_of(server.url) as proxy:
        site = laid_out(folder, proxy.url, desk)

        def look(passed: set[str]) -> None:
            """We go on behind these now: each has to be in the ledger already."""
            if passed := passed & writers.wanted:
                known = {str(row[0]) for row in rows(site, "SELECT unit FROM ledger")}
                early.update(passed - known)

        proxy.confirming = look
        share, secret = events // (kills + 1), {"MATRIX_TOKEN": desk.token}
        for life in range(kills):
            part = range(life * share, (life + 1) * share)
            half = part.start + share // 2
            writers.write(range(part.start, half))
            process = launch(site, secret)
            writing = threading.Thread(target=writers.write, args=(range(half, part.stop),))
            try:
                await_ready(site, process, PATIENCE)
                writing.start()
                wait_until(lambda: bool(writers.wanted - proxy.done), 60, "something is written")
                seen = len(proxy.given)
                wait_until(lambda seen=seen: len(proxy.given) > seen, 60, "events are given out")  # type: ignore[misc]  # bound now
                time.sleep(draw.uniform(0, A_MOMENT))
            finally:
                process.kill()
                process.wait()
                writing.join()
        with daemon(site, secret, patience=PATIENCE):
            writers.write(range(kills * share, events))
            wait_until(lambda: writers.wanted <= proxy.done, 120, "all is read")
            wait_until(lambda: not rows(site, LEFT), 120, "all is read and answered")
        found = rows(
            site,
            "SELECT text, count(*) FROM messages WHERE channel='mx' AND direction='in' GROUP BY text",
        )
        heard = writers.heard(desk.user)
        unsaid = silent(site.database, (f"matrix:{user}" for user, n in heard.items() if not n))
        twice = [user for user, count in heard.items() if count > 1]
        return Ended({str(text): int(str(n)) for text, n in found}, early, twice, unsaid)


@pytest.mark.timeout(600)
def test_every_event_survives_kill_9(tmp_path: Path, homeserver: Synapse) -> None:
    ended = killed(homeserver, tmp_path, events=60, kills=3)
    assert ended.early == set()
    assert ended.stored == {f"line {n}": 1 for n in range(60)}
    assert ended.twice == []
    assert ended.silent == []


def test_a_customer_is_answered_in_the_chat(tmp_path: Path, homeserver: Synapse) -> None:
    desk, yuki = homeserver.person(), homeserver.person()
    site = laid_out(tmp_path, homeserver.url, desk)
    with daemon(site, {"MATRIX_TOKEN": desk.token}, patience=PATIENCE):
        room = yuki.chat_with(desk.user)
        address = yuki.upload(b"\xff\xd8 a picture", "image/jpeg")
        picture = {"msgtype": "m.image", "body": "Where is my parcel?", "filename": "parcel.jpg"}
        asked = yuki.put(room, picture | {"url": address})

        def answers() -> list[dict[str, object]]:
            found = yuki.events(room)
            return [
                e["content"] for e in found if e["sender"] == desk.user and "body" in e["content"]
            ]

        wait_until(lambda: bool(answers()), 60, "an acknowledgement is sent")
        query = "SELECT b.size FROM parts p JOIN blobs b ON b.sha256 = p.sha256 WHERE p.source = ''"
        wait_until(lambda: rows(site, query) == [(12,)], 60, "the picture is fetched")
    (answer,) = answers()
    (reference,) = [str(row[0]) for row in rows(site, "SELECT reference FROM v_cases")]
    assert reference in str(answer["body"])
    assert answer["msgtype"] == "m.notice", "no bot answers a notice"
    assert answer["m.relates_to"] == {"m.in_reply_to": {"event_id": asked}}
    assert desk.token not in site.log.read_text("utf-8")


def test_a_daemon_for_mail_alone_does_not_load_the_library(tmp_path: Path) -> None:
    site = lay_out(tmp_path)
    with daemon(site) as process:
        maps = Path(f"/proc/{process.pid}/maps").read_text("utf-8")
    assert "pydantic_core" in maps, "compiled modules are seen here"
    assert "aiohttp" not in maps, "matrix-nio does not come without aiohttp, which is compiled"


def main() -> None:
    """`python -m tests.daemon.test_matrix`: the long form, which `make soak` runs."""
    import tempfile

    events, kills, seed = told_by_hand("tests.daemon.test_matrix", events=1000, kills=20)
    with tempfile.TemporaryDirectory(prefix="madoguchi-matrix-") as folder, synapse() as server:
        ended = killed(server, Path(folder), events, kills, seed)
    lost = [n for n in range(events) if f"line {n}" not in ended.stored]
    doubled = [text for text, count in ended.stored.items() if count > 1]
    print(  # noqa: T201
        f"matrix: {events} events under {kills} kills, seed {seed}: {len(lost)} lost {lost},"
        f" {len(doubled)} doubled {doubled}, {len(ended.early)} passed before commit"
        f" {sorted(ended.early)}, {len(ended.twice)} acknowledged twice {ended.twice},"
        f" {len(ended.silent)} silent {ended.silent}"
    )
    raise SystemExit(bool(lost or doubled or ended.early or ended.twice or ended.silent))


if __name__ == "__main__":
    main()
