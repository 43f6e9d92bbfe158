"""Notices by the real process: once to each customer, under kills and with two processes."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.servers import (
    API_TOKEN,
    Site,
    await_ready,
    daemon,
    launch,
    lay_out,
    postgres,
    require,
    stop,
    wait_until,
)
from tests.daemon.window import acknowledgements, ask, mail, send

pytestmark = pytest.mark.daemon

PEOPLE = 30
MORE = "\n[notices]\nper_minute = 600\n"
# Before a batch is committed and after, while rows are claimed, and once the wire was touched.
DEATHS = ("F20:1", "F21:1", "F20:2", "F21:2", "F4:1", "F6:3")


def laid(folder: Path, store: str) -> Site:
    """A site that believes its own machine on who wrote."""
    site = lay_out(folder, store, MORE)
    text = site.config.read_text("utf-8")
    trusting = 'send = "maildir:sent"\ntrusted_relays = ["127.0.0.1"]'
    site.config.write_text(text.replace('send = "maildir:sent"', trusting), "utf-8")
    return site


def call(site: Site, method: str, path: str, body: Any = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=30)
    headers = {"Authorization": f"Bearer {API_TOKEN}", "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    response = connection.getresponse()
    found = json.loads(response.read())
    connection.close()
    assert response.status < 300, found
    return found


def people(site: Site, store: str) -> list[int]:
    """Customers who surely wrote, and have their acknowledgements."""
    for n in range(PEOPLE):
        letter = mail(f"m{n}", f"c{n}@example.jp")
        letter["Authentication-Results"] = "mx; dmarc=pass header.from=example.jp"
        assert send(site, letter, f"c{n}@example.jp").code == 250
    acknowledgements(site, PEOPLE, 60)
    return [row[0] for row in ask(store, "SELECT id FROM customers ORDER BY id")]


def begun(site: Site, customers: list[int]) -> int:
    body = {"kind": "service", "text": {"en": "Parcels are a day late."}, "customers": customers}
    return int(call(site, "POST", "/v1/notices", body)["id"])


def over(store: str) -> bool:
    ended = ask(store, "SELECT 1 FROM notices WHERE state = 'finished'")
    open_ = "SELECT 1 FROM outbox WHERE state IN ('queued', 'sending', 'deferred')"
    return bool(ended) and not ask(store, open_)


def judge(site: Site, store: str) -> None:
    """Each customer has one row of it, and no two mails; only doubt may keep one from them."""
    rows = ask(
        store,
        "SELECT m.customer_id, o.state FROM messages m JOIN outbox o ON o.message_id = m.id"
        " WHERE m.kind = 'notice'",
    )
    assert Counter(Counter(customer for customer, _ in rows).values()) == {1: PEOPLE}
    doubtful = sum(state == "in_doubt" for _, state in rows)
    assert {state for _, state in rows} <= {"sent", "in_doubt"}
    told = Counter(m["To"] for m in acknowledgements(site, PEOPLE) if "notice" in m["Subject"])
    assert not told or max(told.values()) == 1
    assert PEOPLE - doubtful <= len(told) <= PEOPLE


@pytest.mark.timeout(900)
def test_each_customer_hears_a_notice_once_whenever_we_are_killed(
    tmp_path: Path, store: str
) -> None:
    site = laid(tmp_path, store)
    with daemon(site):
        customers = people(site, store)
    for number, death in enumerate(DEATHS):
        process = launch(site, {"MADOGUCHI_FAILPOINT": death})
        try:
            if number == 0:
                await_ready(site, process)
                begun(site, customers)
            wait_until(lambda p=process: p.poll() is not None or over(store), 60, death)  # type: ignore[misc]
        finally:
            stop(process)
    with daemon(site):
        wait_until(lambda: over(store), 120, "the notice has ended")
    judge(site, store)


@pytest.mark.timeout(900)
def test_two_processes_tell_each_customer_once(tmp_path: Path) -> None:
    require("postgres")
    with postgres() as server, ExitStack() as stack:
        store = server.create("notices")
        sites = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            sites.append(laid(tmp_path / name, store))
        # They share a key, as two daemons on one store do.
        stack.enter_context(daemon(sites[0]))
        customers = people(sites[0], store)
        stack.enter_context(daemon(sites[1]))
        first, second = (begun(site, customers) for site in sites)
        ended = f"SELECT id FROM notices WHERE state = 'finished' AND id IN ({first}, {second})"
        wait_until(lambda: len(ask(store, ended)) == 2, 120, "both have ended")
        rows = ask(
            store,
            "SELECT r.notice_id, r.customer_id, count(*) FROM notice_recipients r"
            " JOIN outbox o ON o.message_id = r.message_id GROUP BY 1, 2",
        )
        assert len(rows) == 2 * PEOPLE
        assert {count for *_, count in rows} == {1}
        sent = ask(store, "SELECT count(*) FROM messages WHERE kind = 'notice'")
        assert sent == [(2 * PEOPLE,)]
