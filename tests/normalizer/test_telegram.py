"""Updates of Telegram, written after the Bot API's own description, as messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizer.message import Claim, Envelope, Identity, Message, Report
from normalizer.telegram import read
from tests.telegram_server import pressed, update


def parsed(value: object, unit: str = "1") -> Message:
    raw = json.dumps(value).encode()
    at = datetime(2026, 11, 24, tzinfo=UTC)
    (message,) = read(Envelope(channel="tg", format="telegram", raw=raw, unit=unit, received_at=at))
    return message


def said(text: str = "", **more: Any) -> Message:
    return parsed(update(12, text, **more))


def test_a_text_is_a_message_of_a_known_customer() -> None:
    message = said("Where is my parcel?", date=1764000000)
    assert message.text == message.reply_text == "Where is my parcel?"
    assert message.claims == (Claim("platform", Identity("telegram", "77"), "Yuki"),)
    assert message.message_id == "telegram:77:12"
    assert message.date == datetime(2025, 11, 24, 16, 0, tzinfo=UTC)
    assert not any((message.aside, message.unreadable, message.automatic.is_auto))


def test_the_text_s_own_language_goes_before_the_program_s() -> None:
    assert said("注文はどこですか").language == "ja"
    assert said("OK").language == "en"


def test_addresses_behind_words_are_kept() -> None:
    entities = [
        {"type": "text_link", "offset": 3, "length": 4, "url": "https://a.example/1"},
        {"type": "bold", "offset": 8, "length": 3},
        {"type": "text_link", "offset": 99, "length": 4, "url": "https://beyond.example"},
    ]
    message = said("🙂 here and <b>", entities=entities)
    assert message.text == "🙂 here (https://a.example/1) and <b>"


def test_a_reply_names_what_it_answers() -> None:
    assert said("yes", reply_to_message={"message_id": 9}).in_reply_to == "telegram:77:9"


def test_an_edit_is_another_wording_of_the_first() -> None:
    value = update(12, "Where is my parcel??", edit_date=1764000099)
    value["edited_message"] = value.pop("message")
    message = parsed(value)
    assert message.edits == "telegram:77:12"
    assert message.message_id != message.edits
    assert message.fingerprint != said("Where is my parcel?").fingerprint


def test_the_largest_picture_is_fetched_and_its_caption_is_the_text() -> None:
    photo = [{"file_id": f"F{n}", "file_size": n, "width": n, "height": n} for n in (90, 800, 320)]
    message = said(photo=photo, caption="broken")
    (part,) = message.parts
    assert (part.source, part.content_type, part.data) == ("F800", "image/jpeg", b"")
    assert message.text == "broken"


@pytest.mark.parametrize("kind", ["document", "video", "animation", "audio", "voice", "video_note"])
def test_every_kind_of_file_is_fetched_later(kind: str) -> None:
    value = update(1, "")
    value["message"][kind] = {"file_id": "F", "mime_type": "x/y", "file_name": "n"}
    (part,) = parsed(value).parts
    assert (part.source, part.content_type, part.filename) == ("F", "x/y", "n")


def test_a_file_that_bots_are_not_given_says_so() -> None:
    message = said(document={"file_id": "F", "file_size": 20_000_001, "file_name": "film.mkv"})
    (part,) = message.parts
    assert (part.source, part.filename, part.size) == ("", "film.mkv", 20_000_001)
    assert message.defects == ("file-too-large",)


def test_the_pictures_of_an_album_share_one_id() -> None:
    one, two = (
        parsed(update(n, "", photo=[{"file_id": str(n)}], media_group_id="G")) for n in (12, 13)
    )
    assert one.group == two.group == one.message_id == two.message_id
    assert one.fingerprint != two.fingerprint


def test_a_sticker_alone_is_no_matter() -> None:
    message = said(sticker={"file_id": "S", "emoji": "👍"})
    assert (message.aside, message.text, message.parts) == (True, "👍", ())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"location": {"latitude": 35.681236, "longitude": 139.767125}}, "📍 geo:35.681236,139.767125"),
        ({"venue": {"title": "Station", "address": "Marunouchi 1", "location": {"latitude": 1, "longitude": 2}},
          "location": {"latitude": 1, "longitude": 2}}, "Station\nMarunouchi 1\n📍 geo:1.000000,2.000000"),
        ({"contact": {"first_name": "Ken", "phone_number": "+81312345678"}}, "👤 Ken +81312345678"),
        ({"poll": {"question": "Which?", "options": [{"text": "a"}, {"text": "b"}]}}, "📊 Which?\n- a\n- b"),
        ({"dice": {"emoji": "🎲", "value": 6}}, "🎲 6"),
        ({"hologram": {"id": 1}}, "[hologram]"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_text_is_shown_as_one(content: dict[str, Any], text: str) -> None:
    message = said(**content)
    assert message.text == text
    assert not message.aside


def test_a_shared_number_is_the_sender_s_own_only_where_telegram_says_so() -> None:
    sender = update(1, "x")["message"]["from"]["id"]
    card = {"first_name": "Yuki", "phone_number": "81 90-1234-5678", "user_id": sender}
    assert said(contact=card).verified == (Identity("tel", "+819012345678"),)
    for wrong in ({"user_id": sender + 1}, {"user_id": None}, {"phone_number": "+0"}):
        assert said(contact=card | wrong).verified == ()
    assert (
        said(contact=card, forward_origin={"type": "user", "sender_user": {"id": 5}}).verified == ()
    )


def test_start_is_somebody_who_opened_the_chat() -> None:
    assert said("/start").aside
    link = said("/start abc_123")
    assert not link.aside
    assert link.mentions == ("abc_123",)


def test_a_case_reference_is_noticed() -> None:
    assert said("About MD-1234").mentions == parsed(update(1, "MD-1234")).mentions


def test_a_reaction_is_aside() -> None:
    reaction = {
        "chat": {"id": 77, "type": "private"}, "message_id": 5, "user": {"id": 77}, "date": 1764000000,
        "old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": "❤"}],
    }  # fmt: skip
    message = parsed({"update_id": 3, "message_reaction": reaction})
    assert (message.aside, message.text, message.in_reply_to) == (True, "❤", "telegram:77:5")


@pytest.mark.parametrize(("status", "dead"), [("kicked", True), ("member", False)])
def test_a_customer_who_blocks_the_bot_cannot_be_reached(status: str, *, dead: bool) -> None:
    change = {
        "chat": {"id": 77, "type": "private"}, "from": {"id": 77}, "date": 1764000000,
        "old_chat_member": {"status": "member"}, "new_chat_member": {"status": status},
    }  # fmt: skip
    message = parsed({"update_id": 3, "my_chat_member": change})
    assert isinstance(message.report, Report)
    assert message.report.address_dead is dead
    assert message.report.peer_id == ""
    assert message.claims[0].identity == Identity("telegram", "77")


def test_a_bot_is_a_robot() -> None:
    value = update(1, "buy")
    value["message"]["from"]["is_bot"] = True
    automatic = parsed(value).automatic
    assert automatic.is_auto
    assert automatic.suppress_reply


@pytest.mark.parametrize(
    "origin",
    [
        {"type": "user", "sender_user": {"id": 5, "first_name": "Ken"}},
        {"type": "hidden_user", "sender_user_name": "Ken"},
        {"type": "channel", "chat": {"id": -1, "title": "Ken"}},
    ],
    ids=lambda origin: str(origin["type"]),
)
def test_a_forwarded_message_says_whose_it_was(origin: dict[str, Any]) -> None:
    message = said("Look", forward_origin=origin)
    assert message.text == "↪ Ken\nLook"
    assert [span.label for span in message.spans] == ["forwarded"]
    assert message.claims[0].name == "Yuki"


@pytest.mark.parametrize("odd", [{}, [], None, 3, {"update_id": 1}, {"message": {"text": "x"}}])
def test_what_is_no_update_is_quarantined(odd: object) -> None:
    message = parsed(odd)
    assert message.unreadable
    assert message.fingerprint


def test_a_button_comes_with_the_words_that_stood_on_it() -> None:
    message = parsed(pressed(1, "solved", "解決した"))
    assert (message.text, message.pressed, message.language) == ("解決した", "solved", "ja")
    assert message.in_reply_to == "telegram:77:1001"
    assert [str(claim.identity) for claim in message.claims] == ["telegram:77"]
    gone = pressed(2, "solved", "解決した")
    gone["callback_query"]["message"] = {"chat": {"id": 77}, "message_id": 1001, "date": 0}
    assert parsed(gone).text == "solved"
    nobody = pressed(3, "solved", "x")
    del nobody["callback_query"]["from"]
    assert parsed(nobody).unreadable


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
_FIELDS = (
    "message_id", "from", "chat", "date", "edit_date", "text", "entities", "caption", "photo",
    "document", "sticker", "location", "venue", "contact", "poll", "dice", "forward_origin",
    "reply_to_message", "media_group_id", "new_reaction", "user", "new_chat_member", "data",
    "message", "reply_markup",
)  # fmt: skip
_KINDS = ("message", "edited_message", "callback_query", "message_reaction", "my_chat_member")


@given(JSON)
def test_no_json_raises(value: object) -> None:
    parsed(value)


@given(st.sampled_from(_KINDS), st.dictionaries(st.sampled_from(_FIELDS), JSON))
def test_no_update_with_strange_fields_raises(kind: str, fields: dict[str, Any]) -> None:
    whole = update(1, "x")["message"] | fields
    message = parsed({"update_id": 1, kind: whole})
    assert message.unreadable or message.fingerprint


@given(st.binary())
def test_no_octets_raise(octets: bytes) -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    assert read(Envelope(channel="tg", format="telegram", raw=octets, unit="1", received_at=at))


@pytest.mark.parametrize(
    "kind",
    [
        "message_auto_delete_timer_changed", "write_access_allowed", "chat_background_set",
        "pinned_message", "forum_topic_created", "paid_message_price_changed",
    ],
)  # fmt: skip
def test_what_telegram_tells_of_a_chat_is_no_case(kind: str) -> None:
    told: dict[str, Any] = {kind: {"message_id": 9}}
    message = said("", **told)
    assert (message.aside, message.text) == (True, f"[{kind}]")


def test_a_kind_that_nobody_knows_is_somebodys_words() -> None:
    message = said(hologram={"id": 1}, paid_star_count=1)
    assert (message.aside, message.text) == (False, "[hologram]")


def test_a_checklist_and_the_words_of_a_page_are_read() -> None:
    tasks = [{"id": 1, "text": "Call back"}, {"id": 2, "text": "Refund"}]
    assert said(checklist={"title": "Order 17", "tasks": tasks}).text == (
        "☑ Order 17\n- Call back\n- Refund"
    )
    filled_in = {"data": '{"order": 17}', "button_text": "Send"}
    assert said(web_app_data=filled_in).text == '{"order": 17}'
