"""The daemon's many lives: each ends in SIGKILL, at a random time or at a failpoint."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.bench.host import children
from tests.daemon.servers import Site, launch, log_tail, ready, wait_until
from tests.soak.sender import Ledger

FAILPOINTS = ("F1", "F2", "F3", "F4", "F5", "F6", "F8", "F13")
RARE = ("F8", "F13")  # a checkpoint, a large attachment: not passed at each mail
PATIENCE = 120.0  # seconds for a start, and for a failpoint to be passed


class Life(NamedTuple):
    """How one life ends: at the n-th passage of a failpoint, or `mails` 250s after its start."""

    failpoint: str = ""
    passage: int = 1
    mails: int = 0
    delay: float = 0.0

    @property
    def environment(self) -> dict[str, str]:
        return {"MADOGUCHI_FAILPOINT": f"{self.failpoint}:{self.passage}"} if self.failpoint else {}


def draw_lives(seed: int, kills: int, failpoints: tuple[str, ...], mails: int) -> list[Life]:
    """Random kills and each of the failpoints given, shuffled, over about so many mails."""
    draw = random.Random(seed)
    usual = max(2, 2 * mails // max(1, kills + len(failpoints)))
    lives = [Life(mails=draw.randint(1, usual), delay=draw.uniform(0, 0.05)) for _ in range(kills)]
    lives += [
        Life(failpoint, draw.randint(1, 2 if failpoint in RARE else 20)) for failpoint in failpoints
    ]
    draw.shuffle(lives)
    return lives


@dataclass
class Chronicle:
    """What was seen while the daemon was killed."""

    kills: int = 0
    died_at: list[str] = field(default_factory=list)
    never_passed: list[str] = field(default_factory=list)
    corrupt: list[str] = field(default_factory=list)
    orphans: int = 0
    slowest_start: float = 0.0

    @property
    def deaths(self) -> int:
        return self.kills + len(self.died_at)


class Supervisor:
    """Starts the daemon again and again; always in the same place, on the same ports."""

    def __init__(self, site: Site, ledger: Ledger) -> None:
        self.site = site
        self.ledger = ledger
        self.seen = Chronicle()
        self.process: subprocess.Popen[bytes] | None = None

    def live(self, life: Life) -> None:
        """One life, to its end."""
        process = self.start(life)
        family = children(process.pid)
        if process.poll() is None:
            self._await_end(process, life)
        self._bury(process, family, life)

    def start(self, life: Life) -> subprocess.Popen[bytes]:
        """Start the daemon; it is ready when this returns, or has died at its failpoint."""
        began = time.monotonic()
        process = self.process = launch(self.site, life.environment)
        told = f"the daemon starts: {life}"
        wait_until(lambda: process.poll() is not None or ready(self.site), PATIENCE, told)
        self.seen.slowest_start = max(self.seen.slowest_start, time.monotonic() - began)
        if process.poll() is None:
            self._examine()
        elif not (life.failpoint and process.returncode == -signal.SIGKILL):
            raise ChildProcessError(f"ended with {process.returncode}:\n{log_tail(self.site.log)}")
        return process

    def _await_end(self, process: subprocess.Popen[bytes], life: Life) -> None:
        if not life.failpoint:
            self.ledger.reach(len(self.ledger.known) + life.mails, PATIENCE)
            time.sleep(life.delay)
            return
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.seen.never_passed.append(f"{life.failpoint}:{life.passage}")

    def _bury(self, process: subprocess.Popen[bytes], family: list[int], life: Life) -> None:
        by_itself = process.poll() is not None
        if by_itself and process.returncode != -signal.SIGKILL:
            raise ChildProcessError(f"ended with {process.returncode}:\n{log_tail(self.site.log)}")
        process.kill()
        process.wait()
        if by_itself and life.failpoint:
            self.seen.died_at.append(life.failpoint)
        else:
            self.seen.kills += 1
        self.seen.orphans += _survivors(family)

    def _examine(self) -> None:
        """SQLite's own word that the database is whole, after each start."""
        if not self.site.database.exists():
            return
        where = f"file:{self.site.database}?mode=ro"
        with closing(sqlite3.connect(where, uri=True, timeout=30)) as connection:
            found = [str(row[0]) for row in connection.execute("pragma integrity_check")]
        if found != ["ok"]:
            self.seen.corrupt += found


def _survivors(family: list[int], seconds: float = 30.0) -> int:
    """How many of a killed daemon's processes outlive it by more than so long."""
    deadline = time.monotonic() + seconds
    while (left := sum(map(_runs, family))) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
