"""Mail that was there before us: mbox files, Maildirs and single mails, into the store as history."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from gateway.assembly import Parts
from normalizer.message import Envelope, Message, Spooled
from store import accounts
from store.blobs import SMALL
from store.known import Raw

CHANNEL = "import"
_BATCH = 64
_EMPTY = (b"\n", b"\r\n")


class Found(NamedTuple):
    """One mail: where it stood (for messages to a person), when it came at the latest, its bytes."""

    place: str
    seen_at: datetime
    raw: bytes


class Tally(NamedTuple):
    """How an import stands."""

    imported: int = 0
    known: int = 0
    quarantined: int = 0


def find(paths: Iterable[Path]) -> Iterator[Found]:
    """Every mail below these paths; what mail programs keep beside the mails is passed over."""
    for path in paths:
        if path.is_dir():
            yield from find(_entries(path))
        elif _is_mbox(path):
            yield from _mbox(path)
        elif path.stat().st_size:
            yield Found(str(path), _modified(path), path.read_bytes())


def _entries(folder: Path) -> list[Path]:
    """A Maildir's mails are in `cur` and `new`, its other files are indexes; folders may be nested."""
    inside = sorted(folder.iterdir())
    if (folder / "cur").is_dir() and (folder / "new").is_dir():
        return [entry for entry in inside if entry.is_dir() and entry.name != "tmp"]
    return [entry for entry in inside if entry.is_dir() or not entry.name.startswith(".")]


def _is_mbox(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"From "


def _mbox(path: Path) -> Iterator[Found]:
    """RFC 4155: a mail begins after a line `From …` that follows an empty line; `>From` is undone."""
    seen_at, lines, after_empty = _modified(path), list[bytes](), True
    number = 0
    with path.open("rb") as file:
        for line in file:
            if after_empty and line.startswith(b"From "):
                if number:
                    yield _mail_of(path, number, seen_at, lines)
                number, lines = number + 1, []
            else:
                lines.append(line[1:] if line.startswith(b">From ") else line)
            after_empty = line in _EMPTY
    if number:
        yield _mail_of(path, number, seen_at, lines)


def _mail_of(path: Path, number: int, seen_at: datetime, lines: list[bytes]) -> Found:
    """The empty line before the next `From ` belongs to the mbox: a copy elsewhere has none."""
    own = lines[:-1] if lines and lines[-1] in _EMPTY else lines
    return Found(f"{path}:{number}", seen_at, b"".join(own))


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


async def run(parts: Parts, paths: Iterable[Path], told: Callable[[Tally], None]) -> Tally:
    """Store everything, a batch at a time; what the ledger has already is passed over.

    A mail's transport unit is the hash of its bytes, so an import that was stopped goes on where
    it was, and one that is done twice adds nothing.
    """
    tally = Tally()
    mails = find(paths)
    while batch := list(islice(mails, _BATCH)):
        units = {hashlib.sha256(found.raw).hexdigest(): found for found in batch}
        asked = partial(accounts.known_units, channel=CHANNEL, units=tuple(units))
        known = await parts.store.read(asked)
        tally = tally._replace(known=tally.known + len(batch) - len(units) + len(known))
        for unit, found in units.items():
            if unit not in known:
                tally = await _one(parts, unit, found, tally)
        told(tally)
    return tally


async def _one(parts: Parts, unit: str, found: Found, tally: Tally) -> Tally:
    raw = await asyncio.to_thread(_carried, found.raw, unit, parts.store.blobs.spool)
    envelope = Envelope(
        channel=CHANNEL, format="rfc5322", raw=raw, unit=unit, received_at=found.seen_at
    )
    message = await parts.backlog.read(envelope)
    envelope = replace(envelope, received_at=_received(message, found.seen_at))
    kept = await parts.store.keep(raw) if isinstance(raw, Spooled) else Raw(unit, len(raw), raw)
    verdict = await parts.ingest.judge(envelope, message, patience=0)
    arrival = await parts.ingest.arrival(envelope, kept, message, verdict)
    outcome = (await parts.store.commit_inbound(replace(arrival, history=True))).outcome
    if outcome == "quarantined":
        return tally._replace(quarantined=tally.quarantined + 1)
    if outcome == "duplicate":
        return tally._replace(known=tally.known + 1)
    return tally._replace(imported=tally.imported + 1)


def _carried(raw: bytes, unit: str, spool: Path) -> bytes | Spooled:
    """The bytes, or a synced file where they are too many to live in the database."""
    if len(raw) <= SMALL:
        return raw
    path = spool / f"{CHANNEL}-{unit}"
    with path.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    return Spooled(str(path), len(raw), unit)


def _received(message: Message, seen_at: datetime) -> datetime:
    """When a mail came: its own Date, unless that lies before mail existed or after we saw it."""
    date = message.date
    if date is None or not datetime(1971, 1, 1, tzinfo=UTC) < date < seen_at:
        return seen_at
    return date
