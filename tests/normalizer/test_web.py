"""What the channel `web` kept, as a message."""

from __future__ import annotations

import pytest

from normalizer import normalize
from normalizer.message import Envelope, Identity, Message
from normalizer.web import File, Written, encode
from tests.making import NOON


def kept(written: Written | bytes, channel: str = "web") -> Message:
    raw = written if isinstance(written, bytes) else encode(written)
    facts = {"channel": channel, "format": "web", "unit": "v:m-1", "received_at": NOON}
    (message,) = normalize(Envelope(raw=raw, **facts))  # type: ignore[arg-type]  # by their names
    return message


def test_the_visitor_is_known_and_a_typed_address_is_a_claim() -> None:
    message = kept(
        Written(visitor="v", id="m-1", text="Hello", email="Yuki@Example.jp", name="Yuki")
    )
    assert [(c.source, c.identity) for c in message.claims] == [
        ("platform", Identity("web", "v")),
        ("typed", Identity("email", "yuki@example.jp")),
    ]
    assert dict(message.fields) == {"name": "Yuki", "email": "Yuki@Example.jp"}


@pytest.mark.parametrize(
    "typed", ["yuki", "a@b@c", "a b@example.jp", "<a@example.jp>", "@", "x" * 300]
)
def test_what_is_no_address_is_a_field_and_no_claim(typed: str) -> None:
    message = kept(Written(visitor="v", id="m-1", text="Hello", email=typed))
    assert [claim.source for claim in message.claims] == ["platform"]
    assert dict(message.fields) == {"email": typed}


def test_a_photo_and_a_pressed_button_are_what_they_are() -> None:
    photo = File("box.png", "image/png", b"png")
    message = kept(
        Written(visitor="v", id="m-1", pressed="person", answers="a@desk", files=(photo,))
    )
    assert (message.pressed, message.in_reply_to) == ("person", "a@desk")
    assert [(part.filename, part.content_type, part.data) for part in message.parts] == [
        ("box.png", "image/png", b"png")
    ]


def test_the_words_tell_the_language_and_else_the_page() -> None:
    assert kept(Written(visitor="v", id="m-1", text="届きません", language="en")).language == "ja"
    assert kept(Written(visitor="v", id="m-1", text="A-17", language="ja")).language == "ja"


def test_one_id_on_two_channels_is_two_messages() -> None:
    one = Written(visitor="v", id="m-1", text="Hello")
    assert kept(one).fingerprint == kept(one).fingerprint != kept(one, "other").fingerprint


@pytest.mark.parametrize("raw", [b"", b"{}", b"[" * 50_000, b"\xff", b'{"visitor": 7, "id": []}'])
def test_what_is_bent_is_quarantined(raw: bytes) -> None:
    assert kept(raw).unreadable
