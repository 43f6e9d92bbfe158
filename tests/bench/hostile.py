"""A hundred hostile or huge mails in a row, and what normal mail beside them feels of it."""

from __future__ import annotations

import argparse
import json
import smtplib
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.bench import host, load
from tests.bench.host import MB
from tests.bench.measure import WARM_UP
from tests.bench.monsters import MONSTERS, mail
from tests.bench.run import HERE
from tests.daemon.servers import daemon, lay_out
from tests.soak.checker import Books

RATE, STRETCH, CONNECTIONS = 50.0, 5.0, 5
READ_LATER = 180.0  # seconds for what was committed unread


@dataclass
class Passage:
    """How the monsters fared: replies by shape, and the seconds until each reply."""

    replies: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def note(self, name: str, reply: str, seconds: float) -> None:
        said = self.replies.setdefault(name, {})
        said[reply] = said.get(reply, 0) + 1
        self.seconds[name] = max(seconds, self.seconds.get(name, 0.0))


@dataclass(frozen=True)
class Report:
    """Latencies in seconds, memory in octets."""

    monsters: int
    passage: Passage
    normal: int
    refused: list[str]
    p50: float
    p99: float
    worst: float
    memory: host.Memory
    unread: int
    statuses: dict[str, int]


def send_monsters(port: int, mails: int, passage: Passage) -> None:
    """One after another over one connection, a new one when it breaks."""
    line: smtplib.SMTP | None = None
    for number in range(mails):
        monster = MONSTERS[number % len(MONSTERS)]
        data, start = mail(monster, number), time.perf_counter()
        try:
            line = line or smtplib.SMTP("127.0.0.1", port, timeout=120)
            reply = _send(line, number, data)
        except (OSError, smtplib.SMTPException) as error:
            line, reply = None, type(error).__name__
        passage.note(monster.name, reply, time.perf_counter() - start)
    if line is not None:
        with suppress(smtplib.SMTPException):
            line.quit()


def _send(line: smtplib.SMTP, number: int, data: bytes) -> str:
    line.ehlo_or_helo_if_needed()
    line.mail(f"monster{number}@monsters.example")
    line.rcpt("support@example.com")
    code, _ = line.docmd("DATA")
    if code == 354:
        line.send(data)
        code, _ = line.getreply()
    else:
        line.rset()
    return str(code)


def measure(mails: int) -> Report:
    """Start the daemon on SQLite, send monsters and normal mail side by side, watch both."""
    with tempfile.TemporaryDirectory(prefix="madoguchi-hostile-") as name:
        site, passage = lay_out(Path(name)), Passage()
        with daemon(site) as process, host.watched(process.pid, 0.2) as memory:
            load.collect(load.start(load.Plan(site.smtp, run="warm", mails=WARM_UP)), 60)
            sender = threading.Thread(target=send_monsters, args=(site.smtp, mails, passage))
            sender.start()
            results = _beside(site.smtp, sender)
            books = Books(f"sqlite:///{site.database}")
            unread = _read_later(books)
            statuses = books.statuses()
            books.close()
    latencies = [latency for result in results for latency in result.latencies]
    return Report(
        monsters=mails,
        passage=passage,
        normal=len(latencies),
        refused=[reply for result in results for reply in result.refused],
        p50=load.percentile(latencies, 0.5),
        p99=load.percentile(latencies, 0.99),
        worst=max(latencies, default=0.0),
        memory=memory,
        unread=unread,
        statuses=statuses,
    )


def _beside(port: int, sender: threading.Thread) -> list[load.Result]:
    """Normal mail at a steady pace, for as long as the monsters come."""
    results: list[load.Result] = []
    while sender.is_alive():
        plan = load.Plan(port, run=f"n{len(results)}", mails=round(RATE * STRETCH), rate=RATE)
        process = load.start(plan._replace(connections=CONNECTIONS))
        results.append(load.collect(process, 300))
        told = f"{len(results)}: p99 {results[-1].latency(0.99) * 1e3:.0f} ms\n"
        sys.stdout.write(told)
        sys.stdout.flush()
    sender.join()
    return results


def _read_later(books: Books) -> int:
    """Wait until nothing is unread any more; how much still is."""
    deadline = time.monotonic() + READ_LATER
    while (unread := books.statuses().get("unread", 0)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return unread


def markdown(report: Report) -> str:
    memory, fates = report.memory, report.statuses.items()
    told = (
        f"{report.monsters} such mails in a row; beside them {report.normal:,} normal mails at"
        f" {RATE:.0f} a second: p50 {report.p50 * 1e3:.1f} ms, p99 {report.p99 * 1e3:.1f} ms,"
        f" worst {report.worst * 1e3:.0f} ms, {len(report.refused)} refused."
        f" Memory (PSS) at most {memory.total / MB:.0f} MB in all, {memory.parent / MB:.0f} MB in"
        f" the parent, {memory.child / MB:.0f} MB in a worker."
        f" In the end: {', '.join(f'{number} {status}' for status, number in fates)}."
    )
    head = ["| what | replies | slowest reply, ms |", "|---|---|---:|"]
    rows = [_row(report.passage, name) for name in report.passage.replies]
    return "\n".join(["# Hostile and huge mail", "", told, "", *head, *rows, ""])


def _row(passage: Passage, name: str) -> str:
    replies = ", ".join(f"{times} × {reply}" for reply, times in passage.replies[name].items())
    return f"| {name} | {replies} | {passage.seconds[name] * 1e3:,.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hostile", description=__doc__)
    parser.add_argument("--mails", type=int, default=100)
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    report = measure(given.mails)
    given.out.mkdir(parents=True, exist_ok=True)
    raw = json.dumps(asdict(report), indent=1)
    (given.out / "hostile.json").write_text(raw + "\n", encoding="utf-8")
    (given.out / "hostile.md").write_text(markdown(report), encoding="utf-8")
    sys.stdout.write(markdown(report))


if __name__ == "__main__":
    main()
