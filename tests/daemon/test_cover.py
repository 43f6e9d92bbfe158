"""Cases of somebody who is away, by the real process: each handed over once, under kills and by two."""

from __future__ import annotations

import http.client
import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

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
from tests.soak.pending import copy_case

pytestmark = pytest.mark.daemon

CASES = 300
MORE = """
[notices]
on = ["owner"]
[[staff]]
name = "Aiko Sato"
address = "aiko@corp.example"
deputy = "Jun"
[[staff]]
name = "Jun"
address = "jun@corp.example"
per_hour = 100000
"""
# Before a batch is committed and after.
DEATHS = ("F22:1", "F23:1", "F22:3", "F23:2")
WAITS = "SELECT id FROM cases WHERE owner <> 'Jun'"


def own(store: str, owner: str) -> None:
    """All cases are somebody's, as a helpdesk would write it."""
    engine = create_engine(store)
    try:
        with engine.begin() as connection:
            connection.execute(text("UPDATE cases SET owner = :owner"), {"owner": owner})
    finally:
        engine.dispose()


def filled(site: Site, store: str) -> None:
    """Very many cases in which a customer waits."""
    with daemon(site):
        assert send(site, mail("first")).code == 250
        acknowledgements(site, 1)
    copy_case(store, CASES - 1, 0, datetime.now(UTC))


def away(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=30)
    headers = {"Authorization": f"Bearer {API_TOKEN}", "Content-Type": "application/json"}
    body = {"until": (datetime.now(UTC) + timedelta(days=7)).isoformat()}
    connection.request("PUT", "/v1/staff/aiko%20sato/absence", json.dumps(body), headers)
    response = connection.getresponse()
    said = json.loads(response.read())
    connection.close()
    assert (response.status, said["stands_in"]) == (200, "Jun")


def judge(store: str) -> None:
    """Each case was handed over once, and told of once; its customer hears it a minute later."""
    told = "SELECT case_id, count(*) FROM messages WHERE kind = 'notice' AND recipients"
    for once in (
        "SELECT case_id, count(*) FROM follow_ups WHERE rule = 'promise.cover' GROUP BY 1",
        "SELECT case_id, count(*) FROM follow_ups WHERE rule = 'notice.owner' GROUP BY 1",
        f"{told} LIKE '%jun@corp.example%' GROUP BY 1",
        "SELECT data, count(*) FROM events WHERE type = 'case.changed' GROUP BY 1",
    ):
        assert [count for _, count in ask(store, once)] == [1] * CASES, once
    heard = ask(store, f"{told} NOT LIKE '%jun@corp.example%' GROUP BY 1")
    assert {count for _, count in heard} <= {1}


@pytest.mark.timeout(600)
def test_each_case_is_handed_over_once_whenever_we_are_killed(tmp_path: Path, store: str) -> None:
    site = lay_out(tmp_path, store, MORE)
    filled(site, store)
    with daemon(site):
        away(site)
    own(store, "aiko  SATO")
    for death in DEATHS:
        process = launch(site, {"MADOGUCHI_FAILPOINT": death})
        try:
            wait_until(lambda p=process: p.poll() is not None, 120, death)  # type: ignore[misc]
        finally:
            stop(process)
    assert ask(store, WAITS), "it was over before the last kill"
    with daemon(site):
        wait_until(lambda: not ask(store, WAITS), 120, "all are handed over")
        judge(store)


@pytest.mark.timeout(600)
def test_two_processes_hand_each_case_over_once(tmp_path: Path) -> None:
    require("postgres")
    with postgres() as server, ExitStack() as stack:
        store, sites = server.create("cover"), []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            sites.append(lay_out(tmp_path / name, store, MORE))
        filled(sites[0], store)
        stack.enter_context(daemon(sites[0]))
        away(sites[0])
        other = launch(sites[1])
        stack.callback(stop, other)
        await_ready(sites[1], other)
        own(store, "Aiko Sato")
        wait_until(lambda: not ask(store, WAITS), 120, "all are handed over")
        judge(store)
