"""What a visitor of our pages wrote, in the form in which the channel `web` keeps it."""

from __future__ import annotations

import re

import msgspec

from normalizer import language
from normalizer.email.threading import base_subject
from normalizer.enclosed import enclosed
from normalizer.message import Claim, Envelope, Identity, Message


class File(msgspec.Struct, frozen=True):
    """A file that came along; its type is what its octets tell."""

    filename: str
    content_type: str
    data: bytes


class Written(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message: `visitor` is who proved to be the same as before, and nobody knows who that is.

    `id` is the browser's own name for the message. `email` is what somebody typed: a claim, and no
    more. `pressed` is the button of `answers`, a message of ours. `fields` are all others of a form.
    """

    visitor: str
    id: str
    text: str = ""
    subject: str = ""
    name: str = ""
    email: str = ""
    page: str = ""
    language: str = ""
    pressed: str = ""
    answers: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    files: tuple[File, ...] = ()


_ADDRESS = re.compile(r"[^@\s<>()\[\],:;\\\"]{1,64}@[^@\s<>()\[\],:;\\\"]{1,189}")

_decoder: msgspec.json.Decoder[Written] = msgspec.json.Decoder(Written)
encode = msgspec.json.Encoder().encode


def message_id(visitor: str, id_: str) -> str:
    """What a visitor's message is called: another visitor's of the same id is another message."""
    return f"web:{visitor}:{id_}"


def read(envelope: Envelope) -> tuple[Message, ...]:
    """The one message of an envelope."""
    assert isinstance(envelope.raw, bytes)
    written = _decoder.decode(envelope.raw)
    return (_message(written, f"{envelope.channel}:{envelope.unit}"),)


def _message(written: Written, fingerprint: str) -> Message:
    visitor = Identity("web", written.visitor)
    claims = [Claim("platform", visitor, written.name)]
    if _ADDRESS.fullmatch(written.email):
        # No rule takes an author from it: anybody can type any address.
        claims.append(Claim("typed", Identity("email", written.email.lower()), written.name))
    return Message(
        claims=tuple(claims),
        message_id=message_id(written.visitor, written.id),
        in_reply_to=written.answers,
        references=(written.answers,) if written.answers else (),
        subject=written.subject,
        base_subject=base_subject(written.subject),
        text=written.text,
        reply_text=written.text,
        language=language.detect(written.text) or written.language,
        parts=tuple(enclosed(f.filename, f.content_type, f.data) for f in written.files),
        pressed=written.pressed,
        fields=_fields(written),
        fingerprint=fingerprint,
    )


def _fields(written: Written) -> tuple[tuple[str, str], ...]:
    """What else people should see of it, with where it was written."""
    own = (("name", written.name), ("email", written.email), ("page", written.page))
    return (*((name, value) for name, value in own if value), *written.fields)
