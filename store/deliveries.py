"""How the sending of a message stands: its deliveries, and what went by another way instead."""

from __future__ import annotations

from sqlalchemy import Connection, select

from store import schema, shapes

_MOST = 100
_o, _m = schema.outbox.c, schema.messages.c


def deliveries_of(connection: Connection, message_id: int) -> list[shapes.Delivery]:
    query = (
        select(
            _o.id, _o.channel, _o.state, _o.attempts, _o.due_at, _o.peer_id, _o.error,
            _o.created_at, _o.piece,
        )
        .where(_o.message_id == message_id)
        .order_by(_o.piece == 0, _o.piece)
        .limit(_MOST)
    )  # fmt: skip
    return [shapes.Delivery(**row._asdict()) for row in connection.execute(query)]


def replaced_by(connection: Connection, message_id: int) -> int | None:
    """The message that went by another way because this one did not arrive."""
    query = select(_m.id).where(_m.instead_of == message_id, _m.instead_of.is_not(None))
    found: int | None = connection.execute(query.limit(1)).scalar()
    return found
