"""Whether the files that a message points to are still ours: an erasure may have been quicker."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from normalizer.message import Spooled
from store import schema
from store.engine import StoreUnavailable
from store.known import Arrival

_b = schema.blobs.c


def require_kept(connection: Connection, arrivals: Sequence[Arrival]) -> None:
    """Raise StoreUnavailable where bytes are gone that were kept for an arrival; it comes again.

    Only bytes that are files: others come along with the row that names them.
    """
    wanted = {arrival.raw.sha256 for arrival in arrivals if arrival.raw.data is None}
    for arrival in arrivals:
        if arrival.message:
            wanted |= {
                part.sha256 for part in arrival.message.parts if isinstance(part.data, Spooled)
            }
    if wanted:
        found = connection.execute(select(_b.sha256).where(_b.sha256.in_(wanted))).scalars()
        if wanted.difference(found):
            raise StoreUnavailable("what this message points to was erased meanwhile")
