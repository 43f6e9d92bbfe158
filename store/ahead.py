"""What was queued while the clock was ahead: once it is set back, nobody waits until it is that late."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, or_, text, update

from store import schema
from store.rows import instant

_SKEW = timedelta(minutes=1)  # other processes on this store may have clocks of their own
_LONGEST = timedelta(days=2)  # no peer puts a delivery off for so long
_o = schema.outbox.c


def hasten(connection: Connection, now: datetime) -> int:
    """Let deliveries be due now that a wrong clock put off; returns how many."""
    soon = instant(now + _SKEW)
    put_off = and_(_o.state == "deferred", _o.due_at > instant(now + _LONGEST))
    ahead = (
        update(schema.outbox)
        .where(text("outbox.state IN ('queued', 'deferred')"), _o.due_at > soon)
        .where(or_(_o.created_at > soon, put_off))
        .values(due_at=instant(now), domain_until=None)
    )
    return connection.execute(ahead).rowcount
