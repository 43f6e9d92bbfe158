"""From measurements to a table that people read, and the chart beside it."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.bench import chart
from tests.bench.contenders import NAMES
from tests.bench.host import MB
from tests.bench.measure import MODES, Measurement

Results = Sequence[Measurement]
COUNTED = (
    "A mail counts when its 250 has come. Postfix has synced it to its queue by then; Madoguchi has"
    " committed it, threaded, with its acknowledgement queued. 'All done' counts until the last mail"
    " is delivered, or its acknowledgement is in the Maildir."
)


def chosen(
    results: Results, contender: str, mode: str, *, paced: bool = False
) -> list[Measurement]:
    """One contender's measurements in one mode, in the order of their rounds."""
    found = [r for r in results if (r.contender, r.mode, r.asked > 0) == (contender, mode, paced)]
    return sorted(found, key=lambda r: r.number)


def ratios(results: Results, contender: str, mode: str) -> list[float]:
    """A contender's rate over Postfix's, round by round."""
    base = {r.number: r.rate for r in chosen(results, "postfix", mode)}
    mine = chosen(results, contender, mode)
    return [r.rate / base[r.number] for r in mine if base.get(r.number)]


def markdown(results: Results) -> str:
    """The report, without what changes from machine to machine in how it is read."""
    rounds = len({r.number for r in results if not r.asked})
    mails = max((r.accepted + r.refused for r in results if not r.asked), default=0)
    how = (
        f"{rounds} rounds of {mails:,} mails over 20 connections, all contenders in shuffled order"
        f" within each round, on loopback, limits off; medians (least to most). {_machine(results)}"
    )
    parts = ["# Measured", "", how, "", COUNTED, "", "![Mails per second](rates.svg)", ""]
    for mode in MODES:
        parts += _rates(results, mode)
    parts += _delays(results) + _memory(results) + _trouble(results)
    return "\n".join(parts)


def _machine(results: Results) -> str:
    syncs = sorted(r.syncs for r in results) or [0.0]
    return (
        f"{_cores()} cores, Python {platform.python_version()}; the disk synced"
        f" {median(syncs):,.0f} appends a second ({syncs[0]:,.0f} to {syncs[-1]:,.0f})."
    )


def _cores() -> int:
    return Path("/proc/cpuinfo").read_text("ascii", "replace").count("processor\t")


def _rates(results: Results, mode: str) -> list[str]:
    head = [
        f"## {MODES[mode].title}",
        "",
        "| server | mails/s | to Postfix | all done/s | p50 ms | p99 ms | server CPU, µs a mail |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    rows = [_rate_row(results, contender, mode) for contender in NAMES]
    return [*head, *filter(None, rows), ""] if any(rows) else []


def _rate_row(results: Results, contender: str, mode: str) -> str:
    mine = chosen(results, contender, mode)
    if not mine:
        return ""
    cells = [
        NAMES[contender],
        _spread([r.rate for r in mine], ",.0f"),
        _spread(ratios(results, contender, mode), ".2f"),
        f"{median(r.finished_rate for r in mine):,.0f}",
        f"{median(r.p50 for r in mine) * 1e3:.1f}",
        f"{median(r.p99 for r in mine) * 1e3:.1f}",
        f"{median(r.server_cpu for r in mine) * 1e6:,.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _spread(values: list[float], form: str) -> str:
    if not values:
        return "–"
    return f"**{median(values):{form}}** ({min(values):{form}} to {max(values):{form}})"


def _delays(results: Results) -> list[str]:
    rows = [
        f"| {NAMES[r.contender]} | {r.asked:,.0f} | {r.delay50 * 1e3:.0f} | {r.delay99 * 1e3:.0f}"
        f" | {r.p50 * 1e3:.1f} | {r.p99 * 1e3:.1f} |"
        for r in results
        if r.asked
    ]
    head = [
        "## From the 250 to the finished file, at half of the top rate",
        "",
        "For Madoguchi that file is the acknowledgement. File times are exact to 4 ms.",
        "",
        "| server | mails/s | p50 ms | p99 ms | 250 after, p50 ms | 250 after, p99 ms |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    return [*head, *rows, ""] if rows else []


def _memory(results: Results) -> list[str]:
    head = [
        "## Memory (PSS, MB)",
        "",
        "The first process, the largest below it, and all together; the most seen in any round.",
        "",
        "| server | busy | largest below | all | idle | largest below, idle |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    rows = [_memory_row(contender, results) for contender in NAMES]
    return [*head, *filter(None, rows), ""]


def _memory_row(contender: str, results: Results) -> str:
    mine = [r for r in results if r.contender == contender]
    if not mine:
        return ""
    most = [
        max(r.busy.parent for r in mine),
        max(r.busy.child for r in mine),
        max(r.busy.total for r in mine),
        max(r.idle.parent for r in mine),
        max(r.idle.child for r in mine),
    ]
    return f"| {NAMES[contender]} | " + " | ".join(f"{m / MB:.0f}" for m in most) + " |"


def _trouble(results: Results) -> list[str]:
    told = [
        f"* {NAMES[r.contender]}, {r.mode}, round {r.number}: {r.refused} refused,"
        f" {r.unfinished} not finished in time. {' / '.join(r.complaints)}"
        for r in results
        if r.refused or r.unfinished
    ]
    return ["## Refused or unfinished", "", *(told or ["Nothing."]), ""]


def rates_chart(results: Results) -> str:
    """Median rates by mode, with the least and the most of all rounds."""
    groups = [chart.Group(MODES[mode].title, _bars(results, mode)) for mode in MODES]
    shown = [group for group in groups if group.bars]
    note = "Median of all rounds; the thin line runs from the least to the most. × is the median ratio to Postfix, round by round."
    return chart.svg("Mails per second, durable before the 250", note, shown)


def _bars(results: Results, mode: str) -> list[chart.Bar]:
    bars: list[chart.Bar] = []
    for colour, contender in enumerate(NAMES):
        rates = [r.rate for r in chosen(results, contender, mode)]
        against = ratios(results, contender, mode)
        note = f"× {median(against):.2f}" if against and contender != "postfix" else ""
        if rates:
            middle, ends = median(rates), (min(rates), max(rates))
            bars.append(chart.Bar(NAMES[contender], middle, *ends, note, colour))
    return bars
