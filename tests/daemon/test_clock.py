"""Follow-ups by real processes: killed, several on one store, beside answers, on a clock that jumps."""

from __future__ import annotations

import http.client
import json
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from store.engine import WriteLock
from store.rows import instant
from tests.daemon.faked import WallClock, wall_clock
from tests.daemon.servers import API_TOKEN, Site, daemon, lay_out, require, wait_until
from tests.daemon.window import acknowledgements, mail, rows, send
from tests.soak.clock import Plan, outlive
from tests.soak.pending import copy_case
from tests.soak.run import STORES

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(600)]

RULES = """
[[follow_up]]
name = "nudge"
when = "unanswered"
after = "20 days"
send = "nudge"
[[follow_up]]
name = "soon"
when = "unanswered"
after = "1 second"
send = "notice"
"""
SHORT = {
    "sqlite": Plan(cases=1000, due=800, kills=4),
    "postgresql": Plan(cases=1000, due=800, kills=3, processes=4),
}


@pytest.mark.parametrize("store", SHORT)
def test_what_comes_due_at_once_fires_once_whoever_is_killed(tmp_path: Path, store: str) -> None:
    if store == "postgresql":
        require("postgres")
    with STORES[store]() as url:
        outcome = outlive(tmp_path, url, SHORT[store])
    assert outcome.faults() == [], str(outcome)


def waiting(folder: Path, cases: int, until: timedelta) -> Site:
    """A store with cases whose nudges come due so long from now."""
    site = lay_out(folder, more=RULES)
    with daemon(site, patience=120):
        assert send(site, mail("first")).code == 250
        wait_until(lambda: fired(site, "soon") == 1, 60, "the first notice is written")
        acknowledgements(site, 2, 60)
    copy_case(f"sqlite:///{site.database}", cases, cases, datetime.now(UTC) + until)
    return site


def fired(site: Site, rule: str) -> int:
    found = rows(site, "SELECT rule FROM follow_ups WHERE state = 'fired'")
    return sum(row["rule"] == rule for row in found)


def copies_fired(site: Site) -> int:
    """Of the nudges of copied cases, which share one due time."""
    query = "SELECT sum(state = 'fired') AS n FROM follow_ups GROUP BY due_at HAVING count(*) > 9"
    (found,) = rows(site, query)
    return int(found["n"])


def letters(site: Site) -> Counter[int]:
    """How often each case was nudged."""
    found = rows(site, "SELECT case_id FROM messages WHERE kind = 'follow_up'")
    return Counter(row["case_id"] for row in found)


def ticks(site: Site, clock: WallClock, offset: str, name: str) -> None:
    """Set the clock, and see by a new case that it still ticks."""
    before = fired(site, "soon")
    clock.set(offset)
    assert send(site, mail(name)).code == 250
    wait_until(lambda: fired(site, "soon") > before, 60, f"the clock ticks at {offset}")


def test_a_clock_that_is_set_a_year_off_fires_no_mass_and_nothing_twice(tmp_path: Path) -> None:
    clock = wall_clock(tmp_path)
    site = waiting(tmp_path, 150, timedelta(hours=1))
    with daemon(site, clock.environment, patience=120):
        ticks(site, clock, "-365d", "a year back")
        assert copies_fired(site) == 0
        began = time.monotonic()
        ticks(site, clock, "+365d", "a year forward")
        wait_until(lambda: copies_fired(site) >= 2, 60, "they go out one by one")
        assert copies_fired(site) <= time.monotonic() - began + 2
        assert rows(site, "SELECT 1 FROM events WHERE type = 'alarm.raised'")
        ticks(site, clock, "-365d", "and back")
        few = copies_fired(site)
        ticks(site, clock, "-1h", "an hour back")
        assert copies_fired(site) == few
        clock.set("+65m")
        wait_until(lambda: copies_fired(site) == 150, 60, "all have fired")
    assert set(letters(site).values()) == {1}


def answer(site: Site, case: int, at: float) -> int:
    """A person answers at a moment."""
    time.sleep(max(0.0, at - time.time()))
    with closing(http.client.HTTPConnection("127.0.0.1", site.http, timeout=60)) as connection:
        headers = {"Authorization": f"Bearer {API_TOKEN}", "Content-Type": "application/json"}
        body = json.dumps({"text": "It is on its way."})
        connection.request("POST", f"/v1/cases/{case}/reply", body, headers)
        return connection.getresponse().status


def come_due(site: Site, at: float) -> None:
    """Let all nudges come due then, beside a daemon that runs."""
    lock = WriteLock(site.database)
    due = datetime.fromtimestamp(at, UTC)
    statement = "UPDATE follow_ups SET due_at = ? WHERE rule = 'nudge'"
    with lock.held(), closing(sqlite3.connect(site.database, timeout=30)) as connection:
        connection.execute(statement, (instant(due),))
        connection.commit()
    lock.close()


def test_an_answer_beside_the_due_time_cancels_or_comes_too_late_t07(tmp_path: Path) -> None:
    """From a fifth of a second before the rows are due until the clock has surely looked."""
    site = waiting(tmp_path, 60, timedelta(hours=1))
    cases = [row["id"] for row in rows(site, "SELECT id FROM cases ORDER BY id")]
    with daemon(site, patience=120), ThreadPoolExecutor(16) as pool:
        due = time.time() + 1
        come_due(site, due)
        at = [due - 0.2 + 1.4 * n / len(cases) for n in range(len(cases))]
        assert set(pool.map(partial(answer, site), cases, at)) == {201}
        wait_until(
            lambda: not rows(site, "SELECT 1 FROM follow_ups WHERE state = 'pending'"), 60,
            "every row has ended",
        )  # fmt: skip
    ended = rows(site, "SELECT case_id, state FROM follow_ups WHERE rule = 'nudge'")
    written = letters(site)
    assert {row["case_id"]: row["state"] for row in ended} == {
        case: "fired" if written[case] == 1 else "cancelled" for case in cases
    }
    assert set(written.values()) <= {1}
