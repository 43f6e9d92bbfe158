"""One measurement: a fresh server, a warm-up, a load, and the wait for what it promised."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.bench import host, load
from tests.bench.contenders import CONTENDERS, Contender

WARM_UP = 400
LIMIT = 300.0  # seconds for a load
STANDSTILL = 20.0  # seconds in which nothing is finished, after which nothing more is awaited
TICK = 1 / 250  # a file's time may be one tick of the kernel's clock too early


class Mode(NamedTuple):
    """How the mails come."""

    title: str
    kind: str
    reuse: bool


MODES = {
    "4k": Mode("4 KB, connections reused", "4k", reuse=True),
    "4k-single": Mode("4 KB, one connection per mail", "4k", reuse=False),
    "40k": Mode("40 KB MIME, connections reused", "40k", reuse=True),
}


class Task(NamedTuple):
    """What to measure: `rate` in mails per second, 0 for as fast as they are taken."""

    contender: str
    mode: str
    number: int
    mails: int
    rate: float = 0.0


@dataclass(frozen=True)
class Measurement:
    """What one load showed: rates per second, times in seconds.

    `rate` counts 250s; `finished_rate` counts mails whose work was all done, to its end.
    `delay50` and `delay99` run from the 250 to the finished file. Processor times are per mail.
    """

    contender: str
    mode: str
    number: int
    asked: float
    accepted: int
    refused: int
    unfinished: int
    rate: float
    finished_rate: float
    p50: float
    p99: float
    delay50: float
    delay99: float
    server_cpu: float
    generator_cpu: float
    syncs: float
    busy: host.Memory
    idle: host.Memory
    complaints: list[str]


class Loaded(NamedTuple):
    """A load, how many of its mails were finished in how many seconds, and what that took."""

    result: load.Result
    finished: int
    seconds: float
    cpu: float
    busy: host.Memory


def measure(task: Task) -> Measurement:
    """Start a contender, load it, wait for its work, and stop it."""
    syncs = host.syncs_per_second(Path(tempfile.gettempdir()))
    mode = MODES[task.mode]
    with CONTENDERS[task.contender]() as server:
        run = f"{task.mode}-{task.number}"
        plan = load.Plan(server.port, mode.kind, run, task.mails, reuse=mode.reuse, rate=task.rate)
        loaded = _load(server, plan)
        _settle(server.pid)
        idle = host.Memory()
        idle.look(server.pid)
        delays = finishing_delays(server, loaded.result)
    return _summed_up(task, loaded, idle, delays, syncs)


def _load(server: Contender, plan: load.Plan) -> Loaded:
    _finish(server, len(_send(plan._replace(run="warm", mails=WARM_UP, rate=0)).accepted))
    before, start = _cpu(server), time.time()
    with host.watched(server.pid, 1.0) as busy:
        result = _send(plan)
        done = _finish(server, WARM_UP + len(result.accepted))
    seconds, cpu = time.time() - start, _cpu(server) - before
    return Loaded(result, max(0, done - WARM_UP), seconds, cpu, busy)


def _summed_up(
    task: Task, loaded: Loaded, idle: host.Memory, delays: list[float], syncs: float
) -> Measurement:
    result = loaded.result
    return Measurement(
        contender=task.contender,
        mode=task.mode,
        number=task.number,
        asked=task.rate,
        accepted=len(result.accepted),
        refused=len(result.refused),
        unfinished=len(result.accepted) - loaded.finished,
        rate=result.per_second,
        finished_rate=loaded.finished / loaded.seconds,
        p50=result.latency(0.5),
        p99=result.latency(0.99),
        delay50=load.percentile(delays, 0.5),
        delay99=load.percentile(delays, 0.99),
        server_cpu=loaded.cpu / max(1, len(result.accepted)),
        generator_cpu=result.cpu_per_mail,
        syncs=syncs,
        busy=loaded.busy,
        idle=idle,
        complaints=sorted(set(result.refused))[:5],
    )


def _cpu(server: Contender) -> float:
    return sum(host.cpu(pid) for pid in (server.pid, *server.beside))


def _send(plan: load.Plan) -> load.Result:
    return load.collect(load.start(plan), LIMIT)


def _finish(server: Contender, expected: int) -> int:
    """Wait until so many files are finished, or nothing moves any more; how many there are."""
    seen, moved = _count(server.finished), time.monotonic()
    while seen < expected and time.monotonic() - moved < STANDSTILL:
        time.sleep(0.1)
        now = _count(server.finished)
        if now > seen:
            seen, moved = now, time.monotonic()
    return seen


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir()) if folder.exists() else 0


def _settle(pid: int) -> None:
    """Wait until a process tree rests."""
    used = [-1.0]

    def rests() -> bool:
        used.append(host.cpu(pid))
        return used[-1] - used[-2] < 0.02 and used[-2] >= 0

    _poll(rests, 15, every=1.0)


def _poll(true: Callable[[], bool], seconds: float, every: float = 0.1) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(every)


def finishing_delays(server: Contender, result: load.Result) -> list[float]:
    """Seconds from each 250 to the finished file, by the Message-ID inside it."""
    answered = dict(result.accepted)
    delays: list[float] = []
    for path in server.finished.iterdir():
        at = answered.get(message_id_in(path, server.named_by))
        if at is not None:
            delays.append(max(0.0, path.stat().st_ctime + TICK - at))
    return delays


def message_id_in(path: Path, header: bytes) -> str:
    """The Message-ID in a header of a mail file; the header's line may be folded."""
    with path.open("rb") as file:
        start = file.read(4096).lower()
    _, found, rest = start.partition(b"\n" + header + b":")
    return rest.partition(b"<")[2].partition(b">")[0].decode("ascii", "replace") if found else ""
