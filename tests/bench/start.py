"""How long the daemon takes to be ready, and what it weighs then: with nothing but mail configured."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.host import MB, cpu, footprint
from tests.daemon.servers import daemon, launch, lay_out, ready, stop
from tests.daemon.window import change

HERE = Path(__file__).parents[2] / "docs" / "bench"
SECONDS, MEGABYTES = 1.5, 120  # the budget, of a start and of all processes together
_LOOK = 0.005  # seconds between two looks at /readyz
_LONGEST = 60.0  # seconds that a start may take at all
_REST = 2.0  # seconds after which what only the start needed is gone


class Start(NamedTuple):
    """Seconds from the command to /readyz, and of processor time until then; octets (PSS) of the
    daemon, and of each reader.
    """

    seconds: float
    cpu: float
    own: int
    readers: tuple[int, ...]

    @property
    def total(self) -> int:
        return self.own + sum(self.readers)


def started(folder: Path) -> Start:
    """Start it on a store that is there already, and weigh it once it rests."""
    site = lay_out(folder)
    change(site, ('holidays = "JP"\n', ""))
    with daemon(site):
        """The first start makes the store."""
    began = time.perf_counter()
    process = launch(site)
    try:
        while not ready(site):
            assert process.poll() is None
            assert time.perf_counter() - began < _LONGEST
            time.sleep(_LOOK)
        seconds, spent = time.perf_counter() - began, cpu(process.pid)
        time.sleep(_REST)
        own, *readers = footprint(process.pid)
        return Start(seconds, spent, own, tuple(readers))
    finally:
        stop(process)


def middle(starts: list[Start]) -> Start:
    """The median of each figure."""
    readers = zip(*(one.readers for one in starts), strict=True)
    return Start(
        median(one.seconds for one in starts),
        median(one.cpu for one in starts),
        int(median(one.own for one in starts)),
        tuple(int(median(each)) for each in readers),
    )


def markdown(starts: list[Start], load: float) -> str:
    """The page: the median beside the budget, and each start."""
    usual = middle(starts)
    readers = " + ".join(f"{one / MB:.0f}" for one in usual.readers)
    each = ", ".join(f"{one.seconds:.2f}" for one in starts)
    return (
        "# The start\n\n"
        f"The daemon with one mail channel, on SQLite with nothing in it; the median of {len(starts)}"
        " starts, from the command to the first 200 of `/readyz`, and the memory (PSS) two seconds later."
        " 2 cores, shared with other work.\n\n"
        "| | measured | budget |\n|---|---:|---:|\n"
        f"| ready, s | {usual.seconds:.2f} | {SECONDS} |\n"
        f"| processor time of all processes until then, s | {usual.cpu:.2f} | |\n"
        f"| daemon and readers, MB | {usual.total / MB:.0f} ({usual.own / MB:.0f} + {readers}) | {MEGABYTES} |\n\n"
        f"Each start, s: {each}. Load of the machine meanwhile: {load:.1f}; above 0.5, the times are"
        " those of the others, too.\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    starts = []
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory(prefix="madoguchi-bench-") as folder:
            starts.append(started(Path(folder)))
    page = markdown(starts, os.getloadavg()[0])
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "start.md").write_text(page, encoding="utf-8")
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
