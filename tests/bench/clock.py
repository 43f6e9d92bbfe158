"""How long the clock takes: a look with nothing due of a million follow-ups, and many due at once."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

from gateway import rules
from gateway.authenticate import Keys
from gateway.config import load
from scheduler.clock import Clock
from store.store import Store
from tests.bench.host import MB, pss
from tests.daemon.servers import Site, lay_out
from tests.soak.clock import first_case
from tests.soak.pending import A_CASE, RULES, copy_case
from tests.soak.run import STORES

HERE = Path(__file__).parents[2] / "docs" / "bench"
_LOOKS = 300
_KEYS = Keys(b"k" * 32)


class Plan(NamedTuple):
    """So many rows that wait, of which `due` come due at one moment."""

    pending: int
    due: int


class Report(NamedTuple):
    """Seconds of looks that find nothing, seconds until all that is due is in the outbox, octets."""

    looks: list[float]
    drained: float
    fired: int
    written: int
    before: int
    after: int

    def row(self, store: str) -> str:
        looks = sorted(self.looks)
        return (
            f"| {store} | {median(looks) * 1e3:.2f} | {looks[int(len(looks) * 0.99)] * 1e3:.2f} |"
            f" {self.drained:.1f} | {self.fired / self.drained:,.0f} | {self.written:,} |"
            f" {self.before / MB:.0f} | {self.after / MB:.0f} |"
        )


def measure(folder: Path, url: str, plan: Plan) -> Report:
    """Fill a store, then look at it by a clock of our own."""
    site, due_at = lay_out(folder, url, RULES), datetime.now(UTC) + timedelta(days=1)
    first_case(site)
    copy_case(load(site.config).store.dsn, plan.pending // A_CASE, plan.due, due_at)
    return asyncio.run(_looked(site, due_at))


async def _looked(site: Site, due_at: datetime) -> Report:
    config, at = load(site.config), due_at - timedelta(seconds=1)
    store = Store(config.store.dsn, config.gateway.data_dir, rules.admission(config, _KEYS))
    clock = Clock(
        store, config.rules(), rules.firing(config, _KEYS), lambda: at, lambda: None,
        lambda *_: None,
    )  # fmt: skip
    looks, before = [await _timed(clock) for _ in range(_LOOKS)], pss(os.getpid())
    at = due_at
    began, fired = time.perf_counter(), await clock.look()
    drained = time.perf_counter() - began
    written = await store.read(lambda c: c.exec_driver_sql(_WRITTEN).scalar_one())
    after = pss(os.getpid())
    await store.close()
    return Report(looks, drained, fired, written, before, after)


async def _timed(clock: Clock) -> float:
    began = time.perf_counter()
    assert await clock.look() == 0
    return time.perf_counter() - began


_WRITTEN = "SELECT count(*) FROM outbox JOIN messages m ON m.id = outbox.message_id WHERE kind = 'follow_up'"


def markdown(plan: Plan, reports: dict[str, Report]) -> str:
    head = (
        f"# The clock\n\n{plan.pending:,} follow-ups wait, four in each case."
        f" A look with nothing due, {_LOOKS} times; then {plan.due:,} that come due at one moment,"
        f" until each is a message and its delivery, committed. Memory (PSS) of the process. 2 cores, shared with other work.\n\n"
        "| store | look, ms | 99 % | due at once, s | a second | in the outbox | MB before | MB after |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|\n"
    )
    return head + "".join(f"{report.row(store)}\n" for store, report in reports.items())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.clock", description=__doc__)
    parser.add_argument("--pending", type=int, default=1_000_000)
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--store", choices=STORES, action="append", help="default: both")
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    plan, reports = Plan(given.pending, given.due), dict[str, Report]()
    for name in given.store or STORES:
        folder = tempfile.TemporaryDirectory(prefix="madoguchi-bench-")
        with folder, STORES[name]() as url:
            reports[name] = measure(Path(folder.name), url, plan)
        sys.stdout.write(f"{reports[name].row(name)}\n")
        sys.stdout.flush()
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "clock.md").write_text(markdown(plan, reports), encoding="utf-8")


if __name__ == "__main__":
    main()
