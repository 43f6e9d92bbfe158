"""What was answered to a request under its Idempotency-Key."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from store import rows, schema
from store.known import Changes
from store.rows import instant

KEPT = timedelta(days=7)  # how long an Idempotency-Key is remembered

_r = schema.requests.c


def answered(connection: Connection, key: str) -> tuple[str, str] | None:
    """The digest of the request that first came under a key, and its answer."""
    row = connection.execute(select(_r.sha256, _r.answer).where(_r.key == key)).first()
    return (row[0], row[1]) if row else None


def remember(
    connection: Connection, changes: Changes, key: str, sha256: str, answer: str, at: datetime
) -> None:
    """Keep an answer for whoever asks again; those of more than a week ago are forgotten."""
    connection.execute(delete(schema.requests).where(_r.at < instant(at - KEPT)))
    changes.add(rows.Request(changes.new_id(), key, sha256, answer, instant(at)))
