"""The child process that reads mail: one socket, no database, little memory, and a time limit.

It speaks pickled frames on its standard input, which is a socket, and ends with its parent.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import os
import pickle
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
from typing import Any, NamedTuple

from normalizer import normalize
from normalizer.message import Envelope, Message, Part, Spooled

CPU_LIMIT = 2.0  # seconds for one mail
MEMORY_LIMIT = 512 * 2**20  # octets of address space above what the interpreter starts with
SMALL = 256 * 2**10  # octets; larger parts leave as synced files
TIRED = 64 * 2**20  # octets of resident memory above which a worker makes room for a fresh one
_FLUSH_AFTER = 0.005  # seconds that a finished reading may wait for its neighbours

_PR_SET_PDEATHSIG = 1


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


def _receive(connection: socket.socket) -> list[tuple[int, Envelope]] | None:
    header = connection.recv(4, socket.MSG_WAITALL)
    if len(header) < 4:
        return None
    size = int.from_bytes(header)
    frame = connection.recv(size, socket.MSG_WAITALL)
    jobs: list[tuple[int, Envelope]] = pickle.loads(frame)  # noqa: S301  our parent wrote it
    return jobs


def _send(connection: socket.socket, readings: list[Any]) -> None:
    frame = pickle.dumps(readings, pickle.HIGHEST_PROTOCOL)
    connection.sendall(len(frame).to_bytes(4) + frame)


def _work(connection: socket.socket, jobs: list[tuple[int, Envelope]], spool: Path) -> None:
    done: list[Reading] = []
    since = time.monotonic()
    for job, envelope in jobs:
        loaded, sha256 = _load(envelope)
        done.append(Reading(job, read(loaded, spool), sha256))
        if time.monotonic() - since > _FLUSH_AFTER:
            _send(connection, done)
            done, since = [], time.monotonic()
    if done:
        _send(connection, done)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def _confine() -> None:
    """Die with the parent; fail on a mail that wants too much, not on the machine."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)  # the parent says when, by closing the socket
    signal.signal(signal.SIGPROF, _out_of_time)
    size = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = size * resource.getpagesize() + MEMORY_LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def start() -> None:
    """Work until the parent closes the socket; `sys.argv` names the spool folder."""
    spool = Path(sys.argv[1])
    connection = socket.socket(fileno=0)
    connection.setblocking(True)
    _confine()
    gc.freeze()
    with suppress(ConnectionError):  # the parent has died: so do we, and say nothing
        _read_all(connection, spool)


def _read_all(connection: socket.socket, spool: Path) -> None:
    _send(connection, [])  # ready
    while (jobs := _receive(connection)) is not None:
        _work(connection, jobs, spool)
        if any(not isinstance(envelope.raw, bytes) for _, envelope in jobs):
            gc.collect()
            if _resident() > TIRED:
                break
            _send(connection, [])  # ready again
