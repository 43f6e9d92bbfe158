"""What a LINE event says; samples are our own, in the published format."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizer import normalize
from normalizer.line import read
from normalizer.message import Claim, Envelope, Identity, Message

YUKI = "U" + "4711" * 8
AT = datetime(2026, 11, 22, 1, 2, 3, 456000, tzinfo=UTC)


def envelope(event: object, destination: str = "Ubot") -> Envelope:
    raw = json.dumps({"destination": destination, "event": event}).encode()
    return Envelope(channel="line", format="line", raw=raw, unit="01FZ", received_at=AT)


def event(message: dict[str, Any] | None = None, **more: Any) -> Message:
    facts = {
        "type": "message",
        "message": message,
        "timestamp": round(AT.timestamp() * 1000),
        "source": {"type": "user", "userId": YUKI},
        "replyToken": "0f3779fba3b349968c5d07db31eab56f",
    }
    (found,) = normalize(envelope(facts | more))
    return found


def test_a_text_is_its_writers_own() -> None:
    text = "注文が届きません (love) @Example"
    found = event(
        {"type": "text", "id": "4688", "text": text, "emojis": [{"index": 9, "length": 6}]}
    )
    assert (found.text, found.reply_text, found.language) == (text, text, "ja")
    assert found.claims == (Claim("platform", Identity("line", YUKI), ""),)
    assert (found.message_id, found.fingerprint, found.date) == ("line:4688", "line:01FZ", AT)
    assert not found.aside


def test_a_quoted_message_is_what_it_answers() -> None:
    found = event({"type": "text", "id": "2", "text": "yes", "quotedMessageId": "1"})
    assert (found.in_reply_to, found.references) == ("line:1", ("line:1",))


@pytest.mark.parametrize(
    ("message", "kind", "name", "size"),
    [
        ({"type": "image", "contentProvider": {"type": "line"}}, "image/jpeg", "", 0),
        ({"type": "video", "duration": 60000}, "video/mp4", "", 0),
        ({"type": "audio"}, "audio/x-m4a", "", 0),
        (
            {"type": "file", "fileName": "領収書.pdf", "fileSize": 2138},
            "application/octet-stream",
            "領収書.pdf",
            2138,
        ),
    ],
)
def test_a_file_is_fetched_later(message: dict[str, Any], kind: str, name: str, size: int) -> None:
    found = event(message | {"id": "354718705"})
    (part,) = found.parts
    assert (part.content_type, part.filename, part.size) == (kind, name, size)
    assert (part.source, part.data, part.role) == ("354718705", b"", "attachment")
    assert not found.aside


def test_pictures_of_an_album_share_a_group() -> None:
    album = {"id": "E005D41A7288F41B65593ED38FF6E9834B046AB36A37921A56BC236F13A91855"}
    found = [event({"type": "image", "id": id_, "imageSet": album}) for id_ in ("1", "2")]
    assert {one.group for one in found} == {one.message_id for one in found}
    assert len({one.group for one in found}) == 1


def test_a_picture_kept_elsewhere_is_its_address() -> None:
    url = "https://example.com/original.jpg"
    provider = {"type": "external", "originalContentUrl": url}
    found = event({"type": "image", "id": "1", "contentProvider": provider})
    assert (found.text, found.parts) == (url, ())


def test_a_location_is_where_it_is() -> None:
    found = event(
        {
            "type": "location", "id": "1", "title": "my location",
            "address": "東京都千代田区紀尾井町1-3", "latitude": 35.67966, "longitude": 139.73669,
        }
    )  # fmt: skip
    assert found.text == "my location\n東京都千代田区紀尾井町1-3\n35.67966, 139.73669"


def test_another_page_of_the_menu_is_no_question() -> None:
    """LINE tells by a postback that somebody has switched between tabs of a rich menu."""
    told = {"newRichMenuAliasId": "menu-b", "status": "SUCCESS"}
    found = event(type="postback", postback={"data": "changed-to-b", "params": told})
    assert (found.aside, found.text, found.pressed) == (True, "", "")


def test_nothing_is_said_while_another_module_answers() -> None:
    found = event({"type": "text", "id": "1", "text": "hello"}, mode="standby")
    assert (found.automatic.suppress_reply, found.automatic.is_auto) == (True, False)
    active = event({"type": "text", "id": "1", "text": "hello"}, mode="active")
    assert not active.automatic.suppress_reply


def test_a_sticker_opens_no_case_and_says_what_it_means() -> None:
    found = event({"type": "sticker", "id": "1", "keywords": ["bed", "sleep", "room", "night"]})
    assert (found.text, found.aside) == ("bed, sleep, room", True)
    assert event({"type": "sticker", "id": "1", "text": "ありがとう"}).text == "ありがとう"


@pytest.mark.parametrize("kind", ["follow", "unfollow", "beacon", "accountLink", "membership"])
def test_what_is_no_message_opens_no_case(kind: str) -> None:
    found = event(type=kind)
    assert (found.aside, found.text, found.defects) == (True, "", (f"an event: {kind}",))
    assert found.claims[0].identity == Identity("line", YUKI)


def test_a_button_answers() -> None:
    found = event(type="postback", postback={"data": "size=L", "params": {"date": "2026-12-24"}})
    assert (found.text, found.aside) == ("size=L\n2026-12-24", False)


def test_what_was_unsent_is_marked_and_kept() -> None:
    found = event(type="unsend", unsend={"messageId": "325708"})
    assert (found.edits, found.aside) == ("line:325708", True)
    assert found.defects == ("the customer unsent it",)


def test_what_line_may_add_one_day_is_kept_and_named() -> None:
    found = event({"type": "hologram", "id": "7"})
    assert found.defects == ("a message of the unknown kind hologram",)


NAMES = [
    "type", "message", "source", "userId", "id", "text", "timestamp", "keywords", "fileSize",
    "fileName", "imageSet", "contentProvider", "postback", "data", "params", "unsend",
    "quotedMessageId", "latitude", "messageId", "originalContentUrl",
]  # fmt: skip
KINDS = ["message", "postback", "unsend", "follow", "text", "image", "file", "sticker", "location"]
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(KINDS)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=8)
    ),
)
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)}, optional={name: JSON for name in NAMES if name != "type"}
)
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS), "message": MESSAGES, "source": JSON, "timestamp": JSON},
    optional=dict.fromkeys(("postback", "unsend"), JSON),
)


@given(JSON | EVENTS)
def test_no_event_makes_the_reader_raise(said: object) -> None:
    (found,) = read(envelope(said))
    assert found.unreadable == ""


@given(st.binary())
def test_no_octets_make_it_raise(raw: bytes) -> None:
    sent = Envelope(channel="line", format="line", raw=raw, unit="1", received_at=AT)
    assert len(normalize(sent)) == 1
