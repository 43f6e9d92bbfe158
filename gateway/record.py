"""Pure: a message as the store's rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from normalizer.message import Address, Message
from store import rows
from store.known import Accepted, Arrival, Changes, Raw
from store.rows import instant

SECOND_LOOK = timedelta(minutes=1)  # after which a DNS that did not answer is asked again

_encode = msgspec.json.Encoder(enc_hook=str).encode


def to_json(value: object) -> str:
    """As JSON that both databases take, wherever in `value` a stranger's text stands."""
    try:
        written = _encode(value).decode()
    except UnicodeEncodeError:  # half of a surrogate pair
        text = json.dumps(value, default=str, ensure_ascii=False)
        written = text.encode("utf-8", "replace").decode("utf-8")
    return written.replace("\\u0000", "\\ufffd") if "\\u0000" in written else written


def storable(text: str) -> str:
    """Text as both databases take it: without NUL, without halves of surrogate pairs."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return clean.replace("\0", "\ufffd")


def raw_row(changes: Changes, raw: Raw) -> None:
    """The bytes themselves; a blob that is already a file has its row."""
    if raw.data is not None:
        changes.add(rows.Blob(changes.new_id(), raw.sha256, raw.size, raw.data))


def message_row(
    id_: int,
    arrival: Arrival,
    message: Message,
    *,
    status: str,
    where: tuple[int | None, int | None, int | None, int | None],
    flags: Sequence[str],
    decisions: Sequence[dict[str, Any]],
) -> rows.Message:
    """`where` is conversation, case, customer, identity."""
    return rows.Message(
        id_,
        *where,
        arrival.channel,
        "in",
        message.kind,
        status,
        storable(message.message_id),
        storable(message.in_reply_to),
        storable(to_json(message.references)),
        arrival.fingerprint,
        storable(message.subject),
        storable(message.text),
        _own_words(message),
        message.language,
        storable(to_json(author(arrival, message))),
        storable(to_json(_recipients(arrival, message))),
        storable(message.reply_to[0].address) if message.reply_to else "",
        arrival.author.reason,
        storable(to_json(_reading(arrival, message, flags))),
        storable(to_json(decisions)),
        arrival.raw.sha256,
        _date(message),
        instant(arrival.received_at),
        instant(arrival.at + SECOND_LOOK) if arrival.doubtful else None,
    )


def _own_words(message: Message) -> str | None:
    """What is new in the text; None when all of it is, which most first mails are."""
    whole = message.reply_text.strip() == message.text.strip()
    return None if whole else storable(message.reply_text)


def part_rows(changes: Changes, message_id: int, message: Message) -> None:
    for part in message.parts:
        row = rows.Part(
            changes.new_id(),
            message_id,
            part.role,
            storable(part.content_type),
            storable(part.filename),
            storable(part.content_id),
            part.size,
            part.sha256,
            storable(part.source),
        )
        changes.add(row)
        if isinstance(part.data, bytes) and not part.source:
            changes.add(rows.Blob(changes.new_id(), part.sha256, part.size, part.data))


def ledger_row(changes: Changes, arrival: Arrival, accepted: Accepted) -> None:
    changes.add(
        rows.Ledger(
            changes.new_id(),
            arrival.channel,
            arrival.unit,
            accepted.outcome,
            accepted.reason,
            accepted.message or None,
            storable(to_json(_transport(arrival))),
            instant(arrival.at),
        )
    )


def _transport(arrival: Arrival) -> dict[str, Any]:
    """With the format where it is not mail, so that it can be read again."""
    facts = arrival.transport._asdict()
    return facts if arrival.format == "rfc5322" else facts | {"format": arrival.format}


def event_row(
    changes: Changes, kind: str, conversation_id: int | None, at: str, **data: object
) -> None:
    changes.add(rows.Event(changes.new_id(), kind, conversation_id, at, to_json(data)))


def received_row(changes: Changes, arrival: Arrival, row: rows.Message, *, is_person: bool) -> None:
    """That a message is here, and whether nobody vouches for the person who wrote it.

    A token continues a case that is not unverified itself, so that nothing else would tell.
    """
    doubt = {"unverified": True} if is_person and not arrival.author.authenticated else {}
    event_row(
        changes,
        "message.quarantined" if row.status == "quarantined" else "message.received",
        row.conversation_id,
        instant(arrival.at),
        message_id=row.id,
        case_id=row.case_id,
        channel=arrival.channel,
        **doubt,
    )


def author(arrival: Arrival, message: Message) -> dict[str, Any]:
    """Who wrote as the headers show it, and every claim."""
    shown = message.from_[0] if message.from_ else Address(arrival.author.name, "")
    if message.claims and message.claims[0].source == "form":
        shown = Address(message.claims[0].name, message.claims[0].identity.address)
    return {
        "name": shown.name,
        "address": shown.address,
        "authenticated": arrival.author.authenticated,
        "claims": [[c.source, str(c.identity), c.name] for c in message.claims],
    }


def _recipients(arrival: Arrival, message: Message) -> dict[str, Any]:
    return {"to": message.to, "cc": message.cc, "envelope": arrival.transport.recipients}


def _reading(arrival: Arrival, message: Message, flags: Sequence[str]) -> dict[str, Any]:
    reading: dict[str, Any] = {"automatic": message.automatic._asdict(), "spans": message.spans}
    if arrival.results:
        reading["authentication"] = results(arrival)
    if arrival.form:
        reading["form"] = dict(arrival.form)
    if message.bounce:
        reading["bounce"] = message.bounce._asdict()
    if message.unreadable:
        reading["unreadable"] = message.unreadable
    if defects := [*message.defects, *flags]:
        reading["defects"] = defects
    return reading


def results(arrival: Arrival) -> list[dict[str, str]]:
    """What each method of authentication found."""
    names = ("method", "outcome", "domain", "reason")
    return [dict(zip(names, result, strict=True)) for result in arrival.results]


def _date(message: Message) -> str | None:
    try:
        return instant(message.date) if message.date else None
    except (ValueError, OverflowError):  # a year that UTC does not reach
        return None
