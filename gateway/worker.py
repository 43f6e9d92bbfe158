"""The child process that reads mail: one socket, no database, little memory, and a time limit.

It speaks pickled frames on its standard input, which is a socket, and ends with its parent.
"""

from __future__ import annotations

import gc
import hashlib
import os
import resource
import secrets
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from channels import parent
from normalizer import normalize, reader
from normalizer.message import Envelope, Message, Part, Spooled
from normalizer.packages import BrokenPackage

CPU_LIMIT = 2.0  # seconds for one mail
MEMORY_LIMIT = 512 * 2**20  # octets of address space above what the interpreter starts with
SMALL = 256 * 2**10  # octets; larger parts leave as synced files
TIRED = 64 * 2**20  # octets of resident memory above which a worker makes room for a fresh one
_FLUSH_AFTER = 0.005  # seconds that a finished reading may wait for its neighbours


class Reading(NamedTuple):
    """The answer to one envelope: its messages, and the SHA-256 of the raw bytes."""

    job: int
    messages: tuple[Message, ...]
    sha256: str


class _TooLong(BaseException):
    """Reading took more than its CPU time; not an Exception, so that no reader swallows it."""


def _out_of_time(_signal: int, _frame: FrameType | None) -> None:
    raise _TooLong


def read(envelope: Envelope, spool: Path) -> tuple[Message, ...]:
    """Normalise within the limits; whatever goes wrong is a quarantined message."""
    with suppress(BrokenPackage):  # `normalize` says so; importing is no part of reading
        reader(envelope.format)
    signal.setitimer(signal.ITIMER_PROF, CPU_LIMIT)
    try:
        messages = normalize(envelope)
    except _TooLong:
        messages = (Message(unreadable=f"reading took more than {CPU_LIMIT:.0f} s of CPU time"),)
    except MemoryError:
        messages = (Message(unreadable="reading took too much memory"),)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return tuple(_portable(message, spool) for message in messages)


def _portable(message: Message, spool: Path) -> Message:
    """HTML becomes a part like any other, and large parts become files."""
    parts = message.parts
    if message.html:
        parts = (*parts, _html_part(message.html))
    parts = tuple(_spooled(part, spool) for part in parts)
    return replace(message, html="", parts=parts)


def _html_part(html: str) -> Part:
    data = html.encode("utf-8", "replace")
    return Part(
        role="html",
        content_type="text/html; charset=utf-8",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        data=data,
    )


def _spooled(part: Part, spool: Path) -> Part:
    if not isinstance(part.data, bytes) or len(part.data) <= SMALL:
        return part
    path = spool / f"part-{secrets.token_hex(8)}"
    with path.open("wb") as file:
        file.write(part.data)
        file.flush()
        os.fsync(file.fileno())
    return replace(part, data=Spooled(str(path), part.size, part.sha256))


def _load(envelope: Envelope) -> tuple[Envelope, str]:
    raw = envelope.raw
    if isinstance(raw, bytes):
        return envelope, hashlib.sha256(raw).hexdigest()
    return replace(envelope, raw=Path(raw.path).read_bytes()), raw.sha256


def _work(connection: socket.socket, jobs: list[tuple[int, Envelope]], spool: Path) -> None:
    done: list[Reading] = []
    since = time.monotonic()
    for job, envelope in jobs:
        loaded, sha256 = _load(envelope)
        done.append(Reading(job, read(loaded, spool), sha256))
        if time.monotonic() - since > _FLUSH_AFTER:
            parent.send(connection, done)
            done, since = [], time.monotonic()
    if done:
        parent.send(connection, done)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def _confine() -> None:
    """Fail on a mail that wants too much, not on the machine."""
    signal.signal(signal.SIGPROF, _out_of_time)
    size = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = size * resource.getpagesize() + MEMORY_LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def start() -> None:
    """Read what the parent sends until it is done with us; `sys.argv` names the spool folder."""
    connection = parent.connect()
    reader("rfc5322")  # nearly all that comes; what is rare is loaded when it first comes
    _confine()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)  # what reading leaves behind is freed by counting
    with suppress(EOFError):
        _read_all(connection, Path(sys.argv[1]))


def _read_all(connection: socket.socket, spool: Path) -> None:
    parent.send(connection, [])  # ready
    while True:
        jobs: list[tuple[int, Envelope]] = parent.receive(connection)
        _work(connection, jobs, spool)
        if any(not isinstance(envelope.raw, bytes) for _, envelope in jobs):
            gc.collect()
            if _resident() > TIRED:
                break
            parent.send(connection, [])  # ready again
