"""The JSON of the channel `http` as messages; anything else as one that nobody can read."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizer import normalize
from normalizer.generic import Fault, Said, parse
from normalizer.message import Claim, Envelope, Identity, Message, Report
from tests.making import NOON

YUKI = {"id": "u-17", "name": "ゆき"}


def envelope(raw: bytes, channel: str = "shop", unit: str = "w-1") -> Envelope:
    return Envelope(channel=channel, format="http", raw=raw, unit=unit, received_at=NOON)


def read(event: Any, **more: Any) -> Message:
    (message,) = normalize(envelope(json.dumps(event).encode(), **more))
    return message


def said(**more: Any) -> dict[str, Any]:
    return {"type": "message", "from": YUKI, "text": "荷物はどこですか"} | more


def test_a_message_says_who_wrote_what() -> None:
    message = read(said(id="m-1", date="2026-11-24T12:00:00+09:00", reply_to="ours-1"))
    writer = Identity("http-shop", "u-17")
    assert message.claims == (Claim("platform", writer, "ゆき"),)
    assert (message.text, message.reply_text) == ("荷物はどこですか",) * 2
    assert (message.message_id, message.in_reply_to) == ("m-1", "ours-1")
    assert message.references == ("ours-1",)
    assert message.language == "ja"
    assert message.date == datetime(2026, 11, 24, 3, tzinfo=UTC)
    assert not message.unreadable


def test_the_same_id_on_two_channels_is_two_people() -> None:
    here, there = read(said(id="1")), read(said(id="1"), channel="game")
    assert here.claims[0].identity != there.claims[0].identity
    assert here.fingerprint != there.fingerprint


def test_the_same_message_under_another_webhook_id_is_a_copy() -> None:
    assert read(said(id="m-1")).fingerprint == read(said(id="m-1"), unit="w-2").fingerprint
    assert read(said(id="m-1")).fingerprint != read(said(id="m-1", text="x")).fingerprint
    assert read(said()).fingerprint != read(said(), unit="w-2").fingerprint


def test_html_alone_is_read_as_text() -> None:
    message = read(said(text="", html="<p>Where is <b>it</b>?</p><script>x()</script>"))
    assert message.text.strip() == "Where is it?"
    assert "<b>" in message.html


def test_attachments_come_along() -> None:
    data = b"\x89PNG"
    file = {
        "filename": "a.png",
        "content_type": "image/png",
        "data": base64.b64encode(data).decode(),
    }
    (part,) = read(said(text="", attachments=[file])).parts
    assert (part.data, part.filename, part.content_type) == (data, "a.png", "image/png")
    assert (part.size, part.sha256) == (4, hashlib.sha256(data).hexdigest())


def test_a_content_type_goes_without_its_parameters() -> None:
    file = {"data": "aGVsbG8=", "content_type": "text/plain; charset=utf-8"}
    (part,) = read(said(attachments=[file])).parts
    assert part.content_type == "text/plain"


def test_half_an_emoji_loses_no_words() -> None:
    """JavaScript cuts a text in the middle of a pair, and writes the rest as an escape."""
    raw = b'{"type": "message", "from": {"id": "u-17"}, "text": "Broken \\ud83d"}'
    assert parse(raw) == parse(
        '{"type":"message","from":{"id":"u-17"},"text":"Broken \ufffd"}'.encode()
    )
    assert isinstance(parse(raw.replace(b"\\ud83d", b"\\ud83d\\ude4f")), Said)
    assert isinstance(parse(raw[:-3]), Fault)


def test_albums_edits_and_stickers() -> None:
    message = read(said(text="👍", group="g", edits="m-0", aside=True))
    assert (message.group, message.edits, message.aside) == ("g", "m-0", True)
    assert read(said(text="", aside=True)).unreadable == ""


def test_a_report_tells_how_a_message_of_ours_fared() -> None:
    told = {"type": "report", "message": "p-1", "state": "failed", "error": "no such user"}
    message = read(told | {"address_dead": True})
    assert message.report == Report("p-1", "failed", "no such user", address_dead=True)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (said(text=""), "text"),
        (said(text=["x"]), "text"),
        (said(txet="x"), ""),
        (said() | {"from": {"name": "Yuki"}}, "from"),
        (said() | {"from": {"id": ""}}, "from.id"),
        (said() | {"from": {"id": 17}}, "from.id"),
        (said(date="yesterday"), "date"),
        (said(date="2026-11-24T12:00:00"), "date"),
        (said(attachments=[{"data": "no base64!"}]), "attachments[0].data"),
        (said(attachments=[{"data": "", "content_type": "a/b\r\nX: y"}]), "attachments[0].content_type"),
        ({"type": "report", "message": "p", "state": "eaten"}, "state"),
        ({"type": "dance"}, "type"),
        ([], ""),
    ],
)  # fmt: skip
def test_a_fault_names_its_field(event: Any, field: str) -> None:
    fault = parse(json.dumps(event).encode())
    assert isinstance(fault, Fault)
    assert fault.field == field
    assert fault.why
    assert read(event).unreadable


@given(st.binary(max_size=300))
def test_no_octets_raise(raw: bytes) -> None:
    (message,) = normalize(envelope(raw))
    assert message.unreadable


def test_a_button_may_come_without_words() -> None:
    told = said(text="", pressed="solved")
    assert (read(told).pressed, read(told).text) == ("solved", "solved")


STRANGE: tuple[Any, ...] = (
    None, True, -1, 1e300, "x", "\ud800", "\0", [], [[]], {}, {"id": 1}, {"id": "1"},
)  # fmt: skip
FIELDS = (
    "type",
    "from",
    "text",
    "html",
    "id",
    "date",
    "attachments",
    "reply_to",
    "edits",
    "aside",
    "pressed",
)


@pytest.mark.parametrize("field", FIELDS)
def test_no_json_raises(field: str) -> None:
    for value in STRANGE:
        message = read(said() | {field: value})
        assert message.claims or message.unreadable
