"""A message that one delivery cannot carry: each of its pieces is a row of the outbox.

The row that was there becomes the last piece, so that its state is that of the whole message; the
pieces before it get rows in the transaction that claims it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import Connection, select, update

from normalizer.message import Message
from store import rows, schema
from store.bulk import insert
from store.known import Changes
from store.outbox import Delivery

Render = Callable[[Message], tuple[Message, ...]]

_o = schema.outbox.c


def parted(
    connection: Connection, changes: Changes, taken: Sequence[Delivery], render: Render
) -> list[Delivery]:
    """What is to be sent of the rows that were taken; the first piece of what is parted only now."""
    return [_piece(connection, changes, one, render(one.content)) for one in taken]


def _piece(
    connection: Connection, changes: Changes, one: Delivery, pieces: tuple[Message, ...]
) -> Delivery:
    if one.piece == 0 and len(pieces) > 1 and not _is_parted(connection, one.message):
        one = _part(connection, changes, one, len(pieces))
    return one._replace(content=pieces[: one.piece or None][-1])


def _is_parted(connection: Connection, message: int) -> bool:
    query = select(_o.id).where(_o.message_id == message, _o.piece > 0).limit(1)
    return connection.execute(query).first() is not None


def _part(connection: Connection, changes: Changes, one: Delivery, count: int) -> Delivery:
    """Rows for the pieces before the last; of them the first is under way instead of the whole."""
    whole = rows.Outbox(*connection.execute(select(schema.outbox).where(_o.id == one.id)).one())
    made = list(_before_the_last(whole, changes, count))
    insert(connection, made)
    waits = {"state": "queued", "lease_until": None, "attempts": whole.attempts - 1}
    connection.execute(update(schema.outbox).where(_o.id == one.id).values(**waits))
    return one._replace(id=made[0].id, piece=1)


def _before_the_last(whole: rows.Outbox, changes: Changes, count: int) -> Iterator[rows.Outbox]:
    """They count for no budget: it is one message."""
    for piece in range(1, count):
        made = whole._replace(id=changes.new_id(), piece=piece, budget_key="")
        yield made if piece == 1 else made._replace(state="queued", lease_until=None, attempts=0)
