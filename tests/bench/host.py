"""What the machine says of itself: memory of a process tree, and how fast its disk syncs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

MB = 1 << 20


def children(pid: int) -> list[int]:
    """A process and all that it started, the process itself first."""
    found = [pid]
    for parent in found:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(word) for word in (task / "children").read_text().split()]
    return found


def pss(pid: int) -> int:
    """Octets of memory that a process answers for: shared pages count in part; 0 when gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def cpu(pid: int) -> float:
    """Seconds of processor time that a process tree has used, ended processes included."""
    ticks = 0
    for each in children(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(word) for word in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def footprint(pid: int) -> list[int]:
    """PSS of a process, then of each of its descendants."""
    return [pss(each) for each in children(pid)]


class Weight(NamedTuple):
    """Octets that a process holds (RSS), at most held (VmHWM), and answers for (PSS)."""

    rss: int
    most: int
    pss: int


def weights(pid: int) -> list[Weight]:
    """Of a process, then of each of its descendants."""
    found = []
    for each in children(pid):
        with suppress(OSError):
            lines = Path(f"/proc/{each}/status").read_text().splitlines()
            said = dict(line.split(":", 1) for line in lines)
            rss, most = (int(said[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
            found.append(Weight(rss, most, pss(each)))
    return found


@dataclass
class Memory:
    """The most that was seen, in octets: of a process, of any one below it, of all together."""

    parent: int = 0
    child: int = 0
    total: int = 0

    def look(self, pid: int) -> None:
        parent, *others = footprint(pid)
        self.parent = max(self.parent, parent)
        self.child = max([self.child, *others])
        self.total = max(self.total, parent + sum(others))


@contextmanager
def watched(pid: int, every: float = 0.5) -> Iterator[Memory]:
    """Watch a process tree's memory from a thread, each so many seconds."""
    memory, over = Memory(), threading.Event()

    def watch() -> None:
        while not over.wait(every):
            memory.look(pid)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield memory
        memory.look(pid)
    finally:
        over.set()
        thread.join()


def syncs_per_second(folder: Path, seconds: float = 0.3) -> float:
    """How many appends of 4 KB the disk makes durable in a second, one after another."""
    path, done = folder / "sync-probe", 0
    with path.open("wb") as file:
        start = time.perf_counter()
        while (spent := time.perf_counter() - start) < seconds:
            file.write(bytes(4096))
            file.flush()
            os.fdatasync(file.fileno())
            done += 1
    path.unlink()
    return done / spent
