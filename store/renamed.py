"""Mails of ours under the Message-IDs that a provider put in the place of ours."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select, text

from normalizer.email import ses
from store import schema
from store.known import Known, Seen
from store.prepared import Prepared

_m, _o = schema.messages.c, schema.outbox.c
_NAMED = Prepared(
    select(_o.peer_id, _m.id, _m.conversation_id, _m.case_id, _m.fingerprint)
    .join(schema.messages, _m.id == _o.message_id)
    .where(
        _o.peer_id.in_(bindparam("replies", expanding=True)),
        text("substr(outbox.peer_id, 1, 5) = 'Ok 01'"),  # as the partial index says it
    )
)


def load_renamed(connection: Connection, ids: Iterable[str], known: Known) -> None:
    """Add those that these Message-IDs mean: what the provider answered when it took them."""
    asked = {reply: id_ for id_ in ids if (reply := ses.accepted_as(id_))}
    if not asked:
        return
    for reply, *found in _NAMED.run(connection, replies=sorted(asked)):
        known.message_ids[asked[reply]].append(Seen(*found))
