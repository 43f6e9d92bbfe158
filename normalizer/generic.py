"""The wire format of the channel `http`: one event as JSON, docs/http-channel.md."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from normalizer import language
from normalizer.email.html import to_text
from normalizer.enclosed import enclosed
from normalizer.message import Claim, Envelope, Identity, Message, Report

Name = Annotated[str, Meta(max_length=200)]
Id = Annotated[str, Meta(min_length=1, max_length=200)]
_FIELD = re.compile(r"(?P<why>.*) - at `\$\.?(?P<field>.*)`")


class Writer(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Who wrote: `id` as the other system knows the person, for good."""

    id: Id
    name: Name = ""


class File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An attachment; `data` is base64."""

    data: bytes
    filename: Name = ""
    content_type: Annotated[str, Meta(pattern=r"^[\w.+-]+/[\w.+-]+ *(;.*)?$", max_length=200)] = (
        "application/octet-stream"
    )


class Said(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag="message"):
    """Somebody wrote something."""

    from_: Writer = msgspec.field(name="from")
    text: str = ""
    html: str = ""
    id: Name = ""
    date: Annotated[datetime, Meta(tz=True)] | None = None
    language: Annotated[str, Meta(max_length=20)] = ""
    attachments: Annotated[tuple[File, ...], Meta(max_length=100)] = ()
    reply_to: Name = ""
    edits: Name = ""
    group: Name = ""
    aside: bool = False
    pressed: Name = ""


class Fared(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag="report"):
    """How a message of ours fared, by the id that was given for it."""

    message: Id
    state: Literal["delivered", "read", "failed"]
    error: Name = ""
    address_dead: bool = False


class Fault(NamedTuple):
    """What is wrong with an event: the field ("" for the whole), and why."""

    field: str
    why: str


_decoder: msgspec.json.Decoder[Said | Fared] = msgspec.json.Decoder(Said | Fared)


def parse(body: bytes) -> Said | Fared | Fault:
    """One event, or what is wrong with it."""
    try:
        event = _decoded(body)
    except msgspec.ValidationError as error:
        found = _FIELD.fullmatch(str(error))
        return Fault(found["field"], found["why"]) if found else Fault("", str(error))
    except (msgspec.DecodeError, RecursionError) as error:
        return Fault("", f"is not JSON: {error}")
    if isinstance(event, Said) and not _says_something(event):
        return event if event.aside else Fault("text", "Nothing is said: no text, no attachment")
    return event


def _decoded(body: bytes) -> Said | Fared:
    """Raises ValidationError, DecodeError and RecursionError."""
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if not (mended := _mended(body)):
            raise
        return _decoder.decode(mended)


def _mended(body: bytes) -> bytes:
    """With U+FFFD for half a surrogate pair, which JavaScript leaves where it cuts an emoji in two;
    b"" where that is not what is wrong.
    """
    try:
        said = json.loads(body) if b"\\ud" in body.lower() else None
    except (ValueError, RecursionError):
        return b""
    text = json.dumps(said, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
    return text.decode("utf-16-le", "replace").encode() if said else b""


def _says_something(event: Said) -> bool:
    return bool(event.text or event.html or event.attachments or event.pressed)


def read(envelope: Envelope) -> tuple[Message, ...]:
    """The one event of an envelope."""
    assert isinstance(envelope.raw, bytes)
    event = parse(envelope.raw)
    if isinstance(event, Fault):
        return (Message(unreadable=f"{event.field or 'the body'}: {event.why}"),)
    if isinstance(event, Fared):
        report = Report(event.message, event.state, event.error, event.address_dead)
        return (Message(report=report, fingerprint=_fingerprint(envelope, envelope.unit)),)
    return (_message(envelope, event),)


def _message(envelope: Envelope, event: Said) -> Message:
    # Each channel of this kind is a world of its own: the same id elsewhere is somebody else.
    writer = Identity(f"http-{envelope.channel}", event.from_.id)
    parts = tuple(enclosed(f.filename, _kind(f), f.data) for f in event.attachments)
    text = event.text.replace("\r\n", "\n") or to_text(event.html) or event.pressed
    said = (event.id or envelope.unit, event.from_.id, text, event.html)
    return Message(
        claims=(Claim("platform", writer, event.from_.name),),
        message_id=event.id,
        in_reply_to=event.reply_to,
        references=(event.reply_to,) if event.reply_to else (),
        text=text,
        html=event.html,
        reply_text=text,
        date=event.date,
        language=event.language or language.detect(text),
        parts=parts,
        edits=event.edits,
        group=event.group,
        aside=event.aside,
        pressed=event.pressed,
        fingerprint=_fingerprint(envelope, *said, *(part.sha256 for part in parts)),
    )


def _kind(file: File) -> str:
    """Without parameters, such as a charset."""
    return file.content_type.partition(";")[0].rstrip()


def _fingerprint(envelope: Envelope, *facts: str) -> str:
    counted = "".join(f"{len(fact)}:{fact}" for fact in (envelope.channel, *facts))
    return hashlib.sha256(counted.encode("utf-8", "surrogatepass")).hexdigest()
