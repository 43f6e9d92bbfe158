"""What goes along with a message: its HTML and its attachments, for whoever delivers it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, select

from normalizer.message import Message, Part, Spooled
from store import schema

_p, _b = schema.parts.c, schema.blobs.c

Parts = dict[int, list[Part]]


def of(connection: Connection, messages: Sequence[int], path: Callable[[str], Path]) -> Parts:
    """The parts of these messages; large ones as their files, which `path` finds by SHA-256."""
    query = (
        select(*_p, _b.data)
        .join(schema.blobs, _b.sha256 == _p.sha256)
        .where(_p.message_id.in_(list(messages)))
        .order_by(_p.id)
    )
    found: Parts = defaultdict(list)
    for row in connection.execute(query):
        kept = Spooled(str(path(row.sha256)), row.size, row.sha256)
        found[row.message_id].append(
            Part(
                role=row.role,
                content_type=row.content_type,
                size=row.size,
                sha256=row.sha256,
                data=kept if row.data is None else bytes(row.data),
                filename=row.filename,
                content_id=row.content_id,
            )
        )
    return found


def enclose(message: Message, parts: Sequence[Part]) -> Message:
    """The message with its parts; its HTML, which is always small, is a text of its own again."""
    pages = [part.data for part in parts if part.role == "html" and isinstance(part.data, bytes)]
    others = tuple(part for part in parts if part.role != "html")
    return replace(message, html=pages[0].decode("utf-8", "replace") if pages else "", parts=others)
