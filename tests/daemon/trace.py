"""Run a daemon under strace, and read what it saw: was each mail synced between its last byte and its 250?"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.bench.host import children
from tests.daemon.servers import Site, await_ready, launch

SYNCS = ("fdatasync", "fsync")
READS = ("read", "recvfrom", "recvmsg")
WRITES = ("write", "writev", "sendto", "sendmsg")
# -y names what a descriptor is, -s shows a small mail whole, -f follows threads and workers.
COMMAND = (
    *("strace", "-f", "-y", "-qq", "-s", "8192", "--seccomp-bpf"),
    *("-e", "trace=" + ",".join((*SYNCS, *READS, *WRITES)), "-e", "signal=none"),
)
_LINE = re.compile(r"^(?P<thread>\d+) +(?P<rest>.*)$")
_CALL = re.compile(r"^(?P<name>\w+)\((?P<rest>.*)$")
_RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
_TARGET = re.compile(r"^(?P<number>\d+)<(?P<what>[^>]*)>")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_DOT = "\\r\\n.\\r\\n"


class Call(NamedTuple):
    """A system call: the lines of the trace where it began and ended, its file, and its text."""

    name: str
    began: int
    ended: int
    number: str
    what: str
    text: str
    good: bool


@contextmanager
def traced(site: Site, command: Sequence[str], trace: Path) -> Iterator[None]:
    """The daemon under strace, as `command` says; the trace is whole once this ends."""
    process = launch(site, prefix=(*command, "-o", str(trace)))
    try:
        await_ready(site, process, 90)
        yield
    finally:
        # strace itself holds back signals while it has a child; the child ends it.
        for traced_one in children(process.pid)[1:2]:
            os.kill(traced_one, signal.SIGTERM)
        process.wait(60)


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """All calls in the order of their ends; one interrupted by another thread is put together."""
    open_: dict[str, tuple[int, str]] = {}
    for position, line in enumerate(lines):
        found = _LINE.match(line)
        if not found:
            continue
        thread, rest = found["thread"], found["rest"]
        if rest.endswith("<unfinished ...>"):
            open_[thread] = position, rest.removesuffix("<unfinished ...>")
            continue
        began = position
        resumed = _RESUMED.match(rest)
        if resumed:
            began, start = open_.pop(thread, (position, ""))
            rest = start + resumed["rest"]
        call = _CALL.match(rest)
        target = _TARGET.match(call["rest"]) if call else None
        if call and target:
            yield _made(call, target, began, position)


def _made(call: re.Match[str], target: re.Match[str], began: int, ended: int) -> Call:
    rest = call["rest"]
    text = "".join(_TEXT.findall(rest))
    good = not re.search(r"\) += -1 ", rest)
    return Call(call["name"], began, ended, target["number"], target["what"], text, good)


@dataclass
class Findings:
    """How many mails were answered 250, and which of those before they were on the disk."""

    answered: int = 0
    too_early: list[int] = field(default_factory=list)
    syncs: int = 0


def examine(lines: Iterable[str], log_suffix: str = "-wal") -> Findings:
    """Hold each 250 after a dot against the syncs of the file whose name ends so.

    A sync counts for a mail if it began after the mail's last byte was read and ended well
    before the 250 was written.
    """
    found = Findings()
    waiting: dict[str, int] = {}  # connection: where in the trace its mail was whole
    tails: dict[str, str] = {}
    last_began = -1
    for call in calls(lines):
        if call.name in SYNCS and call.what.endswith(log_suffix) and call.good:
            found.syncs += 1
            last_began = max(last_began, call.began)
        elif call.name in READS and call.what.startswith(("socket:", "TCP:")):
            tails[call.number] = (tails.get(call.number, "") + call.text)[-len(_DOT) :]
            if tails[call.number] == _DOT:
                waiting[call.number] = call.ended
        elif call.name in WRITES and call.number in waiting and call.text:
            whole = waiting.pop(call.number)
            if call.text.startswith("250"):
                found.answered += 1
                if last_began < whole:
                    found.too_early.append(call.began)
    return found


def examine_file(path: Path) -> Findings:
    with path.open(encoding="utf-8", errors="replace") as lines:
        return examine(lines)
