"""How the sending of a message stands: each of its deliveries, the one for the whole last."""

from __future__ import annotations

from sqlalchemy import Connection, select

from store import schema, shapes

_MOST = 100
_o = schema.outbox.c


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
