"""How long the daemon takes to be ready, and what it weighs then and in use: with nothing but mail configured."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.host import MB, Weight, cpu, weights
from tests.daemon.servers import API_TOKEN, Site, daemon, launch, lay_out, ready, stop
from tests.daemon.window import acknowledgements, get, hand_over, mail, talking

HERE = Path(__file__).parents[2] / "docs" / "bench"
SECONDS, MEGABYTES = 1.5, 120  # the budget, of a start and of the memory
MAILS = 1000
ASKED = (
    "/metrics",
    "/v1/conversations",
    "/v1/cases",
    "/v1/events?after=0",
    "/docs",
    "/openapi.json",
)
_LOOK = 0.005  # seconds between two looks at /readyz
_LONGEST = 60.0  # seconds that a start may take at all
_REST = 2.0  # seconds after which what only the start needed is gone
_LOOKED_UP = "\n[authentication]\nenabled = true\n"  # as the daemon does it unless told otherwise


class Held(NamedTuple):
    """Octets of the daemon itself, the most that it ever held, and of all its processes."""

    own: int  # RSS
    most: int  # the daemon's VmHWM
    pss: int
    rss: int


class Start(NamedTuple):
    """Seconds from the command to /readyz, and of processor time until then; the memory after it,
    after mails, and after questions to the API.
    """

    seconds: float
    cpu: float
    rest: Held
    mails: Held
    asked: Held


def started(folder: Path) -> Start:
    """Start it on a store that is there already, weigh it once it rests, use it, weigh it again."""
    site = lay_out(folder, more=_LOOKED_UP)
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
        rest = _held(process.pid)
        _write(site)
        mails = _held(process.pid)
        _ask(site)
        return Start(seconds, spent, rest, mails, _held(process.pid))
    finally:
        stop(process)


def _held(pid: int) -> Held:
    time.sleep(_REST)
    own, *others = weights(pid)
    every: list[Weight] = [own, *others]
    return Held(own.rss, own.most, sum(one.pss for one in every), sum(one.rss for one in every))


def _write(site: Site) -> None:
    with talking(site) as line:
        for n in range(MAILS):
            assert hand_over(line, mail(f"start-{n}")).code == 250
    acknowledgements(site, MAILS)


def _ask(site: Site) -> None:
    for path in ASKED:
        assert get(site, path, API_TOKEN).status == 200


def middle(starts: list[Start]) -> Start:
    """The median of each figure."""
    each = [
        Held(*(int(median(one)) for one in zip(*held, strict=True)))
        for held in zip(*(one[2:] for one in starts), strict=True)
    ]
    seconds, spent = (median(one) for one in zip(*(one[:2] for one in starts), strict=True))
    return Start(seconds, spent, *each)


def markdown(starts: list[Start], load: float) -> str:
    """The page: the medians beside the budget, and each start."""
    usual = middle(starts)
    each = ", ".join(f"{one.seconds:.2f}" for one in starts)
    return (
        "# The start\n\n"
        "The daemon with one mail channel, public holidays and everything else as it comes, on SQLite;"
        f" the median of {len(starts)} starts, from the command to the first 200 of `/readyz`."
        " 2 cores, shared with other work.\n\n"
        "| | measured | budget |\n|---|---:|---:|\n"
        f"| ready, s | {usual.seconds:.2f} | {SECONDS} |\n"
        f"| processor time of all processes until then, s | {usual.cpu:.2f} | |\n\n"
        "Memory in MB: what the daemon itself holds (RSS), the most that it ever held (VmHWM), and its"
        " processes together, pages that they share counted once (PSS) or in each of them (RSS)."
        f" The budget of the first three is {MEGABYTES}.\n\n"
        "| | daemon | at most | all, PSS | all, RSS |\n|---|---:|---:|---:|---:|\n"
        f"| two seconds after the start | {_row(usual.rest)} |\n"
        f"| after {MAILS:,} mails and their acknowledgements | {_row(usual.mails)} |\n"
        f"| after {len(ASKED)} questions to the API | {_row(usual.asked)} |\n\n"
        f"Each start, s: {each}. Load of the machine meanwhile: {load:.1f}; above 0.5, the times are"
        " those of the others, too.\n"
    )


def _row(held: Held) -> str:
    return " | ".join(f"{one / MB:.0f}" for one in held)


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
