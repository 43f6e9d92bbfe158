"""Messages that wait to be read (again), with everything that their envelope was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from normalizer.message import Envelope, Spooled, Transport
from store import schema
from store.rows import moment

_BATCH = 50
_m = schema.messages.c


class Kept(NamedTuple):
    """A stored message and the envelope that it came in."""

    id: int
    status: str
    subject: str
    reason: str
    sha256: str
    envelope: Envelope


def find(
    connection: Connection, status: str, blobs: Path, after: int = 0, limit: int = _BATCH
) -> list[Kept]:
    """Messages of a status, the oldest first; large ones as their files below `blobs`."""
    wanted = _m.status == bindparam("status", status, literal_execute=True), _m.id > after
    return _find(connection, blobs, limit, *wanted)


def doubtful(connection: Connection, now: str, blobs: Path) -> list[Kept]:
    """Stored messages whose author somebody shall look at again by the instant `now`."""
    wanted = _m.status == "stored", _m.judge_at <= now
    return _find(connection, blobs, _BATCH, *wanted, first=(_m.judge_at, _m.id))


def _find(
    connection: Connection, blobs: Path, limit: int, *wanted: Any, first: Sequence[Any] = (_m.id,)
) -> list[Kept]:
    m, b, entry = _m, schema.blobs.c, schema.ledger.c
    receipts = schema.ledger.alias("receipts").c
    receipt = select(func.min(receipts.id)).where(receipts.message_id == m.id).scalar_subquery()
    query = (
        select(
            m.id, m.status, m.subject, m.reading, m.channel, m.received_at, m.raw_sha256,
            b.size, b.data, entry.unit, entry.transport,
        )
        .join(schema.blobs, b.sha256 == m.raw_sha256)
        .join(schema.ledger, entry.id == receipt)
        .where(*wanted)
        .order_by(*first)
        .limit(limit)
    )  # fmt: skip
    return [_kept(row, blobs) for row in connection.execute(query)]


def _kept(row: Any, blobs: Path) -> Kept:
    sha256, data = row.raw_sha256, row.data
    path = blobs / sha256[:2] / sha256[2:]
    raw = Spooled(str(path), row.size, sha256) if data is None else bytes(data)
    return Kept(
        row.id,
        row.status,
        row.subject,
        json.loads(row.reading).get("unreadable", ""),
        sha256,
        Envelope(
            channel=row.channel,
            format=json.loads(row.transport).get("format", "rfc5322"),
            raw=raw,
            unit=row.unit,
            received_at=moment(row.received_at),
            transport=_transport(row.transport),
        ),
    )


def _transport(written: str) -> Transport:
    facts = {name: v for name, v in json.loads(written).items() if name in Transport._fields}
    return Transport(**facts | {"recipients": tuple(facts.get("recipients", ()))})
