"""`make bench`: all contenders side by side in one run; table, chart and raw figures."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench import report
from tests.bench.contenders import CONTENDERS
from tests.bench.host import MB
from tests.bench.measure import MODES, Measurement, Task, measure

HERE = Path(__file__).resolve().parents[2] / "docs" / "bench"


class Settings(NamedTuple):
    """What to run: `paced` is how many seconds each acknowledgement measurement lasts, 0 for none."""

    only: tuple[str, ...]
    modes: tuple[str, ...]
    rounds: int
    mails: int
    paced: float
    seed: int
    out: Path


def read(arguments: list[str]) -> Settings:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 rounds of 3,000, kept out of docs")
    parser.add_argument("--only", type=_words, default=tuple(CONTENDERS))
    parser.add_argument("--modes", type=_words, default=tuple(MODES))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--mails", type=int)
    parser.add_argument("--paced", type=float, help="seconds; 0 leaves the delays unmeasured")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    for names, known in ((given.only, CONTENDERS), (given.modes, MODES)):
        if unknown := set(names) - set(known):
            parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    rounds = given.rounds or (2 if given.quick else 5)
    mails = given.mails or (3000 if given.quick else 20000)
    paced = (5.0 if given.quick else 20.0) if given.paced is None else given.paced
    aside = Path(tempfile.gettempdir()) / "madoguchi-bench"
    out = given.out or (aside if given.quick else HERE)
    return Settings(given.only, given.modes, rounds, mails, paced, given.seed, out)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def tasks(settings: Settings) -> Iterator[Task]:
    """Everything at full speed, shuffled in each round; neighbours share a mode."""
    draw = random.Random(settings.seed)
    for number in range(1, settings.rounds + 1):
        for mode in draw.sample(settings.modes, len(settings.modes)):
            for contender in draw.sample(settings.only, len(settings.only)):
                yield Task(contender, mode, number, settings.mails)


def paced_tasks(settings: Settings, results: list[Measurement]) -> Iterator[Task]:
    """Each contender once more, at half of its top rate."""
    if not settings.paced:
        return
    for contender in settings.only:
        top = [r.rate for mode in MODES for r in report.chosen(results, contender, mode)][:1]
        rates = [r.rate for r in report.chosen(results, contender, "4k")] or top
        rate = median(rates) / 2
        if rate:
            yield Task(contender, settings.modes[0], 0, round(rate * settings.paced), rate)


def run(settings: Settings) -> list[Measurement]:
    results: list[Measurement] = []
    for task in tasks(settings):
        results.append(measure(task))
        _tell(results[-1])
    for task in paced_tasks(settings, results):
        results.append(measure(task))
        _tell(results[-1])
    return results


def _tell(one: Measurement) -> None:
    trouble = f"  {one.refused} refused {one.complaints[:1]}" if one.refused else ""
    trouble += f"  {one.unfinished} unfinished" if one.unfinished else ""
    sys.stdout.write(
        f"{one.number} {one.mode:10} {one.contender:10} {one.rate:7,.0f}/s"
        f"  all done {one.finished_rate:6,.0f}/s  p50 {one.p50 * 1e3:5.1f}  p99 {one.p99 * 1e3:6.1f} ms"
        f"  finished after p50 {one.delay50 * 1e3:4.0f} p99 {one.delay99 * 1e3:5.0f} ms"
        f"  CPU {one.server_cpu * 1e6:5.0f} us  load {one.generator_cpu * 1e6:3.0f} us"
        f"  sync {one.syncs:6,.0f}/s  {one.busy.parent / MB:4.0f}+{one.busy.child / MB:.0f} MB{trouble}\n"
    )
    sys.stdout.flush()


def write(out: Path, results: list[Measurement]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    raw = json.dumps([asdict(result) for result in results], indent=1)
    (out / "results.json").write_text(raw + "\n", encoding="utf-8")
    (out / "results.md").write_text(report.markdown(results), encoding="utf-8")
    (out / "rates.svg").write_text(report.rates_chart(results), encoding="utf-8")
    sys.stdout.write(f"\n{report.markdown(results)}\nwritten to {out}\n")


def main() -> None:
    settings = read(sys.argv[1:])
    write(settings.out, run(settings))


if __name__ == "__main__":
    main()
