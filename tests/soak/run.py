"""`make soak`: mail without end, a daemon killed without end, and the books at the end."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.daemon.servers import lay_out, log_tail, postgres, stop, wait_until
from tests.soak.checker import Books, Verdict, judge
from tests.soak.lives import FAILPOINTS, Chronicle, Life, Supervisor, draw_lives
from tests.soak.sender import Ledger, Sender

SETTLE = 600.0  # seconds for the last mails and the last acknowledgements
UNDER_WAY = 20  # acknowledgements that one process may be sending when it dies


class Plan(NamedTuple):
    """How long and how hard: at least `mails`, `kills` at random, and these failpoints."""

    mails: int = 10_000
    kills: int = 50
    failpoints: tuple[str, ...] = FAILPOINTS * 2
    seed: int = 1


class Outcome(NamedTuple):
    """What the sender, the supervisor and the books say."""

    accepted: int
    deferred: int
    bounced: list[str]
    finished: bool
    seen: Chronicle
    verdict: Verdict

    def faults(self) -> list[str]:
        """Every broken promise in words; empty when all were kept."""
        seen = self.seen
        told = {
            f"mails were refused for good: {self.bounced[:3]}": bool(self.bounced),
            "some mails never got their 250": not self.finished,
            f"the database was damaged: {seen.corrupt[:3]}": bool(seen.corrupt),
            f"failpoints were never passed: {seen.never_passed}": bool(seen.never_passed),
            f"{seen.orphans} processes outlived their daemon": bool(seen.orphans),
            f"{self.verdict.in_doubt} in doubt": self.verdict.in_doubt > UNDER_WAY * seen.deaths,
            str(self.verdict): not self.verdict.kept,
        }
        return [fault for fault, true in told.items() if true]

    def __str__(self) -> str:
        seen = self.seen
        return (
            f"{self.accepted} mails answered 250, {self.deferred} deferred;"
            f" {seen.kills} random kills, died at {', '.join(sorted(seen.died_at))};"
            f" slowest start {seen.slowest_start:.1f} s; {self.verdict}"
        )


def soak(plan: Plan, folder: Path, store: str) -> Outcome:
    """Run a plan in a folder on a store's URL, and stop everything that was started."""
    site = lay_out(folder, store)
    ledger = Ledger(folder / "ledger")
    supervisor = Supervisor(site, ledger)
    try:
        outcome = _drive(plan, supervisor, store)
    except TimeoutError as error:
        raise TimeoutError(f"{error}\n{log_tail(site.log)}") from error
    finally:
        if supervisor.process is not None:
            stop(supervisor.process)
        ledger.close()
    return outcome


def _drive(plan: Plan, supervisor: Supervisor, store: str) -> Outcome:
    ledger, site = supervisor.ledger, supervisor.site
    sender = Sender(site.smtp, ledger, f"soak{plan.seed}")
    finished = False
    try:
        for life in draw_lives(plan.seed, plan.kills, plan.failpoints, plan.mails):
            supervisor.live(life)
        supervisor.start(Life())
        ledger.reach(plan.mails, SETTLE)
    finally:
        finished = sender.finish(SETTLE)
    books = Books(f"sqlite:///{site.database}" if store.startswith("sqlite") else store)
    try:
        wait_until(
            lambda: books.under_way() == 0,
            SETTLE,
            "every mail is read and every acknowledgement settled",
        )
        verdict = judge(ledger.known, books.left(site.sent))
    finally:
        books.close()
    known = len(ledger.known)
    return Outcome(known, sender.deferred, sender.bounced, finished, supervisor.seen, verdict)


@contextmanager
def sqlite_store() -> Iterator[str]:
    yield "sqlite:///var/madoguchi.db"


@contextmanager
def postgresql_store() -> Iterator[str]:
    with postgres() as server:
        yield server.create("soak")


STORES = {"sqlite": sqlite_store, "postgresql": postgresql_store}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.run", description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--each", type=int, default=2, help="times that each failpoint is hit")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=STORES, action="append", help="default: both")
    parser.add_argument("--keep", type=Path, help="a new folder for everything, left as it is")
    given = parser.parse_args()
    broken = False
    for name in given.store or STORES:
        plan = Plan(given.mails, given.kills, failpoints_of(name) * given.each, given.seed)
        with _folder(given.keep, name) as folder, STORES[name]() as url:
            outcome = soak(plan, folder, url)
        sys.stdout.write(f"{name}: {outcome}\n" + "".join(f"  {f}\n" for f in outcome.faults()))
        sys.stdout.flush()
        broken |= bool(outcome.faults())
    sys.exit(broken)


@contextmanager
def _folder(keep: Path | None, name: str) -> Iterator[Path]:
    if keep:
        (keep / name).mkdir(parents=True)
        yield (keep / name).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="madoguchi-soak-") as folder:
        yield Path(folder)


def failpoints_of(store: str) -> tuple[str, ...]:
    """Those that a store has: only SQLite has a checkpoint of ours."""
    return tuple(name for name in FAILPOINTS if store == "sqlite" or name != "F8")


if __name__ == "__main__":
    main()
