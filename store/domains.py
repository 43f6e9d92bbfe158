"""Mail for a domain that puts us off waits together, instead of each mail trying for itself.

All of it is in the outbox: `domain_until` of the mail that was put off holds the others back.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, bindparam, exists, select, text, update

from store import schema
from store.prepared import Prepared

_o = schema.outbox.c
_other = schema.outbox.alias("other")


def is_put_off() -> ColumnElement[bool]:
    """Whether the domain of an outbox row waits, at the instant `now`."""
    held = select(_other.c.id).where(
        _other.c.channel == _o.channel,
        _other.c.domain == _o.domain,
        _o.domain != "",
        _other.c.domain_until > bindparam("now"),
    )
    return exists(held.correlate(schema.outbox))


# Those that wait already get a later hour, so that no claim has to pass over them again and again.
_HOLD = Prepared(
    update(schema.outbox)
    .where(
        _o.channel == bindparam("of_channel"),
        _o.domain
        == select(_other.c.domain).where(_other.c.id == bindparam("of_id")).scalar_subquery(),
        _o.domain != "",
        text("outbox.state IN ('queued', 'deferred')"),  # as the partial index says it
        _o.due_at < bindparam("until"),
    )
    .values(due_at=bindparam("until"))
)


def hold(connection: Connection, put_off: Iterable[tuple[int, str, str]]) -> None:
    """`put_off`: a row, its channel, and until when others for its domain wait too."""
    for id_, channel, until in put_off:
        _HOLD.run(connection, of_id=id_, of_channel=channel, until=until)
