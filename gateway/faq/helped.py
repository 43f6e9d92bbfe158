"""Pure but for the store: a customer says whether a page of ours settled the matter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from gateway.faq.suggest import named
from gateway.record import event_row
from store.known import Changes
from store.rows import instant
from store.suggested import retag, suggested

TAG: Final = "self-service"


def answer(id_: int, at: datetime, *, helped: bool) -> Callable[[Connection, Changes], bool]:
    """Tag the case, or take the tag off again; whether that changed anything.

    The status stays: who says that it is settled may be a program that follows links.
    """

    def act(connection: Connection, changes: Changes) -> bool:
        found = suggested(connection, id_)
        if found is None or (TAG in found.tags) == helped:
            return False
        others = tuple(tag for tag in found.tags if tag != TAG)
        retag(changes, found.case_id, (*others, TAG) if helped else others)
        event_row(
            changes, "faq.answered", found.conversation_id, instant(at),
            message_id=found.id, case_id=found.case_id, entries=named(found.decisions), helped=helped,
        )  # fmt: skip
        return True

    return act
