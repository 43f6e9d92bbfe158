"""Follow-ups that come due while daemons are killed: `python -m tests.soak.clock`."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, create_engine, text

from tests.daemon.servers import Site, await_ready, daemon, launch, lay_out, stop, wait_until
from tests.daemon.window import acknowledgements, mail, send
from tests.soak.pending import A_CASE, RULES, copy_case
from tests.soak.run import STORES

PATIENCE = 300.0  # seconds for a start, and between two kills
_UNDER_WAY = 20  # deliveries that one process may have begun when it dies
_FIRED = "SELECT count(*) FROM events WHERE type = 'follow_up.fired'"
_LEFT = "SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending', 'deferred')"
_FOLLOW_UPS = "SELECT state, count(*) FROM follow_ups GROUP BY state"
_WRITTEN = "SELECT case_id FROM messages WHERE kind = 'follow_up'"
_DOUBTFUL = "SELECT count(*) FROM outbox WHERE state = 'in_doubt'"


class Plan(NamedTuple):
    """So many cases with four waiting rows each, of which `due` come due at once."""

    cases: int
    due: int
    kills: int
    processes: int = 1
    seed: int = 1


class Outcome(NamedTuple):
    """What the store and the Maildirs say in the end, and how long the rows took to fire."""

    plan: Plan
    states: dict[str, int]
    written: Counter[int]
    delivered: Counter[str]
    in_doubt: int
    deaths: int
    midway: int
    seconds: float

    def faults(self) -> list[str]:
        """Every broken promise in words; empty when all were kept."""
        waiting = self.plan.cases * A_CASE - self.plan.due
        twice = [case for case, count in self.written.items() if count > 1]
        again = [letter for letter, count in self.delivered.items() if count > 1]
        missing = self.plan.due - len(self.delivered) - self.in_doubt
        told = {
            f"states: {self.states}": self.states != {"fired": self.plan.due, "pending": waiting},
            f"written twice: {twice[:3]}": bool(twice),
            f"missed: {self.plan.due - len(self.written)}": len(self.written) != self.plan.due,
            f"delivered twice: {again[:3]}": bool(again),
            f"neither delivered nor in doubt: {missing}": missing > 0,
            f"in doubt: {self.in_doubt}": self.in_doubt > _UNDER_WAY * self.deaths,
            f"killed only {self.deaths} times": self.deaths != self.plan.kills,
        }
        return [fault for fault, true in told.items() if true]

    def __str__(self) -> str:
        plan = self.plan
        return (
            f"{plan.cases * A_CASE} pending, {plan.due} due at once, {plan.processes} processes,"
            f" {self.deaths} kills, {self.midway} of them midway: {self.states.get('fired', 0)} fired, {len(self.written)} cases"
            f" written to, {self.written.total() - len(self.written)} doubles,"
            f" {len(self.delivered)} delivered, {self.in_doubt} in doubt; {self.seconds:.0f} s"
        )


class Fleet:
    """Daemons on one store; the one that is killed comes back."""

    def __init__(self, sites: list[Site]) -> None:
        self.sites = sites
        self.running: dict[int, subprocess.Popen[bytes]] = {}
        self.deaths = 0

    def start(self) -> None:
        for number, site in enumerate(self.sites):
            self.running[number] = launch(site)
        for number, process in self.running.items():
            await_ready(self.sites[number], process, PATIENCE)

    def kill(self, number: int) -> None:
        process = self.running[number]
        assert process.poll() is None, "a daemon ended by itself"
        process.kill()
        process.wait()
        self.deaths += 1
        self.running[number] = launch(self.sites[number])

    def stop(self) -> None:
        for process in self.running.values():
            stop(process)


def outlive(folder: Path, url: str, plan: Plan) -> Outcome:
    """Let `due` rows come due under `kills`, and look at what is left."""
    sites = _lay_out(folder, url, plan.processes)
    first_case(sites[0])
    own = url.replace("///", f"///{sites[0].folder}/") if url.startswith("sqlite") else url
    copy_case(own, plan.cases - 1, plan.due, datetime.now(UTC) - timedelta(seconds=1))
    engine, fleet, draw = create_engine(own), Fleet(sites), random.Random(plan.seed)
    began, midway = time.monotonic(), 0
    try:
        fleet.start()
        for kill in range(plan.kills):
            enough = (kill + 1) * plan.due // (plan.kills + 1)
            wait_until(lambda: _count(engine, _FIRED) >= enough, PATIENCE, f"{enough} fired")  # noqa: B023  at once
            time.sleep(draw.uniform(0, 0.1))
            fleet.kill(draw.randrange(plan.processes))
            midway += _count(engine, _FIRED) < plan.due
        wait_until(lambda: _count(engine, _FIRED) >= plan.due, PATIENCE, "all fired")
        seconds = time.monotonic() - began
        wait_until(lambda: not _count(engine, _LEFT), PATIENCE, "all is sent")
        fleet.stop()
        return _outcome(engine, plan, fleet, midway, seconds)
    finally:
        fleet.stop()
        engine.dispose()


def _lay_out(folder: Path, url: str, count: int) -> list[Site]:
    sites = []
    for number in range(count):
        (folder / str(number)).mkdir()
        sites.append(lay_out(folder / str(number), url, RULES))
    return sites


def first_case(site: Site) -> None:
    """One mail by the one path in; its acknowledgement is taken away again."""
    with daemon(site, patience=PATIENCE):
        assert send(site, mail("first")).code == 250
        acknowledgements(site, 1, PATIENCE)
    for file in site.sent.iterdir():
        file.unlink()


def _count(engine: Engine, query: str) -> int:
    with engine.connect() as connection:
        found: int = connection.execute(text(query)).scalar_one()
    return found


def _outcome(engine: Engine, plan: Plan, fleet: Fleet, midway: int, seconds: float) -> Outcome:
    delivered = Counter(
        file.read_bytes().partition(b"In-Reply-To: ")[2].split(b"\r\n")[0].decode()
        for site in fleet.sites
        if site.sent.exists()
        for file in site.sent.iterdir()
    )
    with engine.connect() as connection:
        states: dict[str, int] = dict(map(tuple, connection.execute(text(_FOLLOW_UPS))))
        written = Counter(connection.execute(text(_WRITTEN)).scalars())
        in_doubt = connection.execute(text(_DOUBTFUL)).scalar_one()
    return Outcome(plan, states, written, delivered, in_doubt, fleet.deaths, midway, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.clock", description=__doc__)
    parser.add_argument("--pending", type=int, default=1_000_000)
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=STORES, action="append", help="default: both")
    given = parser.parse_args()
    broken = False
    for name in given.store or STORES:
        processes = 1 if name == "sqlite" else 4
        plan = Plan(given.pending // A_CASE, given.due, given.kills, processes, given.seed)
        with _folder() as folder, STORES[name]() as url:
            outcome = outlive(folder, url, plan)
        sys.stdout.write(f"{name}: {outcome}\n" + "".join(f"  {f}\n" for f in outcome.faults()))
        sys.stdout.flush()
        broken |= bool(outcome.faults())
    sys.exit(broken)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="madoguchi-soak-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    main()
