"""Which pages of ours an acknowledgement named, and whether that settled the matter."""

from __future__ import annotations

import json
from typing import NamedTuple

from sqlalchemy import Connection, select

from store import schema
from store.known import Changes

_m, _c = schema.messages.c, schema.cases.c


class Suggested(NamedTuple):
    """An acknowledgement: its case with its tags, and what was decided about it."""

    id: int
    case_id: int
    conversation_id: int
    language: str
    decisions: str
    tags: tuple[str, ...]


def suggested(connection: Connection, id_: int) -> Suggested | None:
    """The acknowledgement with this id; None when there is none."""
    query = (
        select(_m.id, _c.id, _c.conversation_id, _m.language, _m.decisions, _c.tags)
        .join(schema.cases, _c.id == _m.case_id)
        .where(_m.id == id_, _m.kind == "acknowledgement")
    )
    row = connection.execute(query).first()
    return Suggested(*row[:5], tuple(json.loads(row[5]))) if row else None


def retag(changes: Changes, case_id: int, tags: tuple[str, ...]) -> None:
    """Give a case other tags."""
    changes.update("cases", case_id, tags=json.dumps(list(tags), ensure_ascii=False))
