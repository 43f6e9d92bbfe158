"""One message, whole: what it says, who wrote it, how it fared, and its bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from store import schema, shapes
from store.deliveries import deliveries_of, replaced_by
from store.known import Raw
from store.reading import MAX_BESIDE, decoded

# The worker writes the HTML of a mail down like this, decoded; other HTML is an attachment.
READ_HTML = "text/html; charset=utf-8"

_m, _p, _b, _l = schema.messages.c, schema.parts.c, schema.blobs.c, schema.ledger.c


class Opened(NamedTuple):
    """A message with the bytes that its headers and its HTML are made from."""

    message: shapes.MessageView
    raw: Raw | None
    html: Raw | None


class Attachment(NamedTuple):
    """A part with its bytes, when they are stored."""

    part: shapes.Part
    bytes: Raw | None


def message(connection: Connection, id_: int) -> Opened | None:
    """One message and all that is known about it; None when there is none."""
    row = connection.execute(select(schema.messages).where(_m.id == id_)).first()
    if row is None:
        return None
    parts = _parts(connection, id_)
    html = [part.sha256 for part in parts if (part.role, part.content_type) == ("html", READ_HTML)]
    view = _view(connection, row, parts)
    raw = _bytes(connection, row.raw_sha256) if row.raw_sha256 else None
    return Opened(view, raw, _bytes(connection, html[-1]) if html else None)


def raw(connection: Connection, id_: int) -> Raw | None:
    """A message as it was received; None when there is none, or it is one that we sent."""
    sha256 = connection.execute(select(_m.raw_sha256).where(_m.id == id_)).scalar()
    return _bytes(connection, sha256) if sha256 else None


def attachment(connection: Connection, message_id: int, part_id: int) -> Attachment | None:
    """A part of a message; None when that message has no such part."""
    query = select(schema.parts).where(_p.id == part_id, _p.message_id == message_id)
    row = connection.execute(query).first()
    return Attachment(_part(row), _bytes(connection, row.sha256)) if row is not None else None


def _bytes(connection: Connection, sha256: str) -> Raw | None:
    row = connection.execute(select(_b.sha256, _b.size, _b.data).where(_b.sha256 == sha256)).first()
    return Raw(row.sha256, row.size, row.data) if row is not None else None


def _parts(connection: Connection, message_id: int) -> list[shapes.Part]:
    query = select(schema.parts).where(_p.message_id == message_id).order_by(_p.id)
    return [_part(row) for row in connection.execute(query)]


def _part(row: Any) -> shapes.Part:
    values = row._asdict()
    del values["message_id"], values["source"]
    return shapes.Part(**values)


class _Claimed(msgspec.Struct, frozen=True):
    claims: list[tuple[str, str, str]] = []


class _Recipients(msgspec.Struct, frozen=True):
    to: list[tuple[str, str]] = []
    cc: list[tuple[str, str]] = []


class _Reading(msgspec.Struct, frozen=True):
    automatic: shapes.Automatic = shapes.Automatic()
    spans: list[tuple[int, int, str]] = []
    bounce: dict[str, Any] | None = None
    defects: list[str] = []
    unreadable: str = ""
    form: dict[str, str] = {}
    authentication: list[shapes.Authentication] = []


def _view(connection: Connection, row: Any, parts: list[shapes.Part]) -> shapes.MessageView:
    reading = decoded(row.reading, _Reading, _Reading())
    recipients = decoded(row.recipients, _Recipients, _Recipients())
    deliveries = deliveries_of(connection, row.id)
    return shapes.MessageView(
        id=row.id,
        conversation_id=row.conversation_id,
        case_id=row.case_id,
        customer_id=row.customer_id,
        channel=row.channel,
        direction=row.direction,
        kind=row.kind,
        status=deliveries[-1].state if deliveries else row.status,
        message_id=row.message_id,
        in_reply_to=row.in_reply_to,
        references=decoded(row.references, list[str], []),
        author=decoded(row.author, shapes.Author, shapes.Author()),
        claims=_claims(row.author),
        to=_addresses(recipients.to),
        cc=_addresses(recipients.cc),
        reply_to=row.reply_to,
        subject=row.subject,
        date=row.date,
        received_at=row.received_at,
        language=row.language,
        text=row.text,
        reply_text=row.text if row.reply_text is None else row.reply_text,
        spans=[shapes.Span(start=s, end=e, label=label) for s, e, label in reading.spans],
        parts=parts,
        authentication=row.authentication,
        authentication_results=reading.authentication,
        automatic=reading.automatic,
        bounce=reading.bounce,
        defects=reading.defects,
        unreadable=reading.unreadable,
        form=reading.form,
        decisions=decoded(row.decisions, list[shapes.Decision], []),
        deliveries=deliveries,
        instead_of=row.instead_of,
        replaced_by=replaced_by(connection, row.id),
        receipts=_receipts(connection, row.id),
        has_raw=row.raw_sha256 is not None,
    )


def _claims(author: str) -> list[shapes.Claim]:
    claims = decoded(author, _Claimed, _Claimed()).claims
    return [shapes.Claim(source=s, identity=i, name=n) for s, i, n in claims]


def _addresses(pairs: Iterable[tuple[str, str]]) -> list[shapes.Address]:
    return [shapes.Address(name=name, address=address) for name, address in pairs]


def _receipts(connection: Connection, message_id: int) -> list[shapes.Receipt]:
    columns = (_l.channel, _l.unit, _l.outcome, _l.reason, _l.at, _l.transport)
    query = select(*columns).where(_l.message_id == message_id).order_by(_l.id).limit(MAX_BESIDE)
    return [
        shapes.Receipt(
            **(row._asdict() | {"transport": decoded(row.transport, dict[str, Any], {})})
        )
        for row in connection.execute(query)
    ]
