"""One event of a LINE webhook as a message."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from normalizer.language import detect
from normalizer.message import Automatic, Claim, Envelope, Identity, Message, Part
from normalizer.tables import table, text_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FILES = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/x-m4a",
    "file": "application/octet-stream",
}
_STANDBY = Automatic(suppress_reply=True, reasons=("the account stands by: another one answers",))
_KEYWORDS = 3  # of a sticker's up to fifteen: enough to know what was meant

Table = dict[str, Any]


def read(envelope: Envelope) -> tuple[Message, ...]:
    """Every kind of event; one that we do not know is an aside with its name."""
    assert isinstance(envelope.raw, bytes)
    said_to_us = table(json.loads(envelope.raw))
    event = table(said_to_us.get("event"))
    kind = text_of(event.get("type"))
    said = _message(event) if kind == "message" else _other(kind, event)
    user = text_of(table(event.get("source")).get("userId"))
    name = text_of(table(said_to_us.get("profile")).get("displayName"))
    claims = (Claim("platform", Identity("line", user), name),) if user else ()
    date = _instant(event.get("timestamp"))
    # A channel in standby has somebody else answering its customers (LINE's module channels).
    automatic = _STANDBY if event.get("mode") == "standby" else Automatic()
    fingerprint = f"line:{envelope.unit}"
    return (
        Message(claims=claims, date=date, automatic=automatic, fingerprint=fingerprint, **said),
    )


def _message(event: Table) -> Table:
    message = table(event.get("message"))
    kind, id_ = text_of(message.get("type")), text_of(message.get("id"))
    quoted = text_of(message.get("quotedMessageId"))
    said: Table = {"message_id": f"line:{id_}" if id_ else ""}
    if quoted:
        said |= {"in_reply_to": f"line:{quoted}", "references": (f"line:{quoted}",)}
    if kind == "text":
        return said | _words(text_of(message.get("text")))
    if kind == "sticker":
        return said | _sticker(message)
    if kind == "location":
        return said | _words(_location(message))
    if kind in _FILES:
        return said | _file(kind, id_, message)
    return said | {"defects": (f"a message of the unknown kind {kind[:40]}",)}


def _words(text: str) -> Table:
    return {"text": text, "reply_text": text, "language": detect(text)}


def _sticker(message: Table) -> Table:
    """No matter of its own; what it means, in LINE's own words."""
    text = text_of(message.get("text"))
    if not text:
        words = message.get("keywords")
        texts = [text_of(word) for word in words] if isinstance(words, list) else []
        text = ", ".join(list(filter(None, texts))[:_KEYWORDS])
    return {"aside": True, "text": text, "reply_text": text, "defects": ("a sticker",)}


def _location(message: Table) -> str:
    place = (message.get("latitude"), message.get("longitude"))
    point = ", ".join(str(number) for number in place if isinstance(number, int | float))
    lines = (text_of(message.get("title")), text_of(message.get("address")), point)
    return "\n".join(filter(None, lines))


def _file(kind: str, id_: str, message: Table) -> Table:
    """A part that is fetched later, or the address of one that LINE does not keep."""
    provider = table(message.get("contentProvider"))
    if provider.get("type") == "external" or not id_:
        return _words(text_of(provider.get("originalContentUrl")))
    size = message.get("fileSize")
    part = Part(
        role="attachment",
        content_type=_FILES[kind],
        size=size if isinstance(size, int) and 0 <= size < 2**53 else 0,
        sha256="",
        data=b"",
        filename=text_of(message.get("fileName")),
        source=id_,
    )
    said: Table = {"parts": (part,)}
    if album := text_of(table(message.get("imageSet")).get("id")):
        said |= dict.fromkeys(("message_id", "group"), f"line:album:{album}")
    return said


def _other(kind: str, event: Table) -> Table:
    """What is no message: only an answer by a button is a matter of its own."""
    if kind == "postback":
        return _postback(table(event.get("postback")))
    if kind == "unsend":
        unsent = text_of(table(event.get("unsend")).get("messageId"))
        return {"aside": True, "edits": f"line:{unsent}", "defects": ("the customer unsent it",)}
    return {"aside": True, "defects": (f"an event: {kind[:40]}",)}


def _postback(postback: Table) -> Table:
    """A button of ours, which brings its label along; or somebody else's, as it is."""
    data = text_of(postback.get("data"))
    ours = dict(parse_qsl(data)) if data.startswith("pressed=") else {}
    if pressed := ours.get("pressed"):
        return _words(ours.get("label", pressed)) | {"pressed": pressed}
    chosen = table(postback.get("params"))
    if "newRichMenuAliasId" in chosen:  # another page of the account's menu, and nothing was said
        return {"aside": True, "defects": ("an event: richmenuswitch",)}
    return _words("\n".join(filter(None, (data, *map(text_of, chosen.values())))))


def _instant(milliseconds: object) -> datetime | None:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int):
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
