"""What WhatsApp's messages say; samples are our own, in the published format."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizer import normalize
from normalizer.message import Claim, Envelope, Identity, Message, Report
from normalizer.whatsapp import read

AT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
YUKI, LASTING = "819012345678", "JP.13491208655302741918"
CONTACT = {"profile": {"name": "ゆき🌸", "username": "yuki"}, "wa_id": YUKI}


def envelope(event: object) -> Envelope:
    raw = json.dumps(event).encode()
    return Envelope(channel="wa", format="whatsapp", raw=raw, unit="wamid.A", received_at=AT)


def message(kind: str = "text", contact: Any = CONTACT, **more: Any) -> Message:
    facts = {
        "from": YUKI, "id": "wamid.A", "timestamp": str(round(AT.timestamp())), "type": kind,
    }  # fmt: skip
    (found,) = normalize(envelope({"message": facts | more, "contact": contact}))
    return found


def test_a_text_is_its_writers_own() -> None:
    found = message(text={"body": "注文が届きません 🙂"})
    assert found.text == found.reply_text == "注文が届きません 🙂"
    assert (found.language, found.date, found.aside) == ("ja", AT, False)
    assert found.claims == (Claim("platform", Identity("whatsapp", YUKI), "ゆき🌸"),)
    assert (found.message_id, found.fingerprint) == ("whatsapp:wamid.A", "wa whatsapp:wamid.A")


def test_a_user_id_lasts_and_so_it_is_who_wrote() -> None:
    """A number can be hidden later; the user ID was there before, and stays."""
    with_number = message(text={"body": "a"}, contact=CONTACT | {"user_id": LASTING})
    contact = {"profile": {"username": "yuki"}, "user_id": LASTING}
    wrote: dict[str, Any] = {"from": None, "from_user_id": LASTING}
    hidden = message(text={"body": "b"}, contact=contact, **wrote)
    for found in (with_number, hidden):
        assert found.claims[0].identity == Identity("whatsapp", LASTING)
    number = str(CONTACT["wa_id"])
    before = (Identity("whatsapp", number), Identity("tel", f"+{number}"))
    assert (with_number.verified, hidden.verified) == (before, ())
    assert hidden.claims[0].name == "yuki"


@pytest.mark.parametrize(
    ("kind", "held", "content_type", "name"),
    [
        ("image", {"mime_type": "image/png"}, "image/png", ""),
        ("video", {}, "video/mp4", ""),
        ("audio", {"mime_type": "audio/ogg; codecs=opus", "voice": True}, "audio/ogg", ""),
        ("document", {"filename": "領収書.pdf", "mime_type": "application/pdf"},
         "application/pdf", "領収書.pdf"),
    ],
)  # fmt: skip
def test_a_file_is_fetched_later(
    kind: str, held: dict[str, Any], content_type: str, name: str
) -> None:
    found = message(kind, **{kind: held | {"id": "4711", "caption": "look"}})
    (part,) = found.parts
    assert (part.content_type, part.filename, part.source) == (content_type, name, "4711")
    assert (part.data, found.text, found.aside) == (b"", "look", False)


def test_a_file_that_is_not_given_is_named() -> None:
    found = message("image", image={"caption": "look"})
    assert found.text == "look\n[image: WhatsApp did not give the file]"


def test_a_chat_that_is_only_opened_is_no_case() -> None:
    found = message("request_welcome")
    assert (found.aside, found.text) == (True, "")


@pytest.mark.parametrize("kind", ["unsupported", "image"])
def test_words_of_ours_tell_no_language(kind: str) -> None:
    """The acknowledgement is then in the language of the customer, or of the channel."""
    found = message(kind, unsupported={"type": "poll_creation"})
    assert "[" in found.text
    assert found.language == ""


def test_a_sticker_opens_no_case_and_is_kept() -> None:
    found = message("sticker", sticker={"id": "9", "mime_type": "image/webp"})
    assert (found.aside, found.parts[0].content_type) == (True, "image/webp")


def test_a_reaction_is_about_a_message() -> None:
    found = message("reaction", reaction={"message_id": "wamid.B", "emoji": "👍"})
    assert (found.aside, found.text, found.in_reply_to) == (True, "👍", "whatsapp:wamid.B")
    back = message("reaction", reaction={"message_id": "wamid.B", "emoji": ""})
    assert back.defects == ("the customer took a reaction back",)


def test_a_place_is_where_it_is() -> None:
    place = {"latitude": 35.68, "longitude": 139.76, "name": "Tokyo", "address": "Chiyoda"}
    assert message("location", location=place).text == "Tokyo\nChiyoda\n35.68, 139.76"


def test_a_card_says_whom_it_names() -> None:
    card = {"name": {"formatted_name": "Hana"}, "phones": [{"phone": "+81 90"}], "emails": [{}]}
    assert message("contacts", contacts=[card, {}]).text.strip() == "Hana, +81 90"


@pytest.mark.parametrize("kind", ["button_reply", "list_reply"])
def test_a_choice_says_its_label_and_what_it_means(kind: str) -> None:
    held = {"type": kind, kind: {"id": "vote:5", "title": "とても良い"}}
    found = message("interactive", interactive=held, context={"id": "wamid.OURS"})
    assert (found.text, found.pressed) == ("とても良い", "vote:5")
    assert (found.in_reply_to, found.references) == (
        "whatsapp:wamid.OURS",
        ("whatsapp:wamid.OURS",),
    )


def test_a_templates_button_is_a_choice_too() -> None:
    found = message("button", button={"text": "解決した", "payload": "solved"})
    assert (found.text, found.pressed) == ("解決した", "solved")


def test_a_form_that_was_filled_in_is_readable() -> None:
    reply = {"body": "Sent", "response_json": '{"flow_token": "x", "size": "L"}'}
    found = message("interactive", interactive={"type": "nfm_reply", "nfm_reply": reply})
    assert found.text == "Sent\nsize: L"


def test_an_order_is_readable() -> None:
    item = {"product_retailer_id": "tea-1", "quantity": 2, "item_price": 5.5, "currency": "EUR"}
    found = message("order", order={"text": "please", "product_items": [item]})
    assert found.text == "please\n2 × tea-1 (5.5 EUR)"


def test_another_wording_is_known_by_the_first() -> None:
    inner = {"type": "text", "text": {"body": "the blue one"}}
    found = message("edit", edit={"original_message_id": "wamid.B", "message": inner})
    assert (found.edits, found.text) == ("whatsapp:wamid.B", "the blue one")


def test_what_was_deleted_is_marked_and_kept() -> None:
    found = message("revoke", revoke={"original_message_id": "wamid.B"})
    assert (found.edits, found.aside) == ("whatsapp:wamid.B", True)
    assert found.defects == ("the customer deleted it",)


def test_a_new_number_is_no_matter_of_its_own() -> None:
    held = {"body": "Yuki changed from 81 to 82", "type": "user_changed_number", "wa_id": "82"}
    found = message("system", system=held)
    assert (found.aside, found.text) == (True, "Yuki changed from 81 to 82")


def test_who_changed_a_number_is_known_by_all_names() -> None:
    held = {"type": "user_changed_user_id", "user_id": "JP.2", "previous_user_id": "JP.1"}
    found = message("system", contact={}, **{"from": None, "system": held})
    assert found.claims[0].identity == Identity("whatsapp", "JP.1")
    assert found.verified == (Identity("whatsapp", "JP.2"),)


def test_what_was_forwarded_is_marked() -> None:
    found = message(text={"body": "a joke"}, context={"frequently_forwarded": True})
    assert [span.label for span in found.spans] == ["forwarded"]


@pytest.mark.parametrize(
    ("kind", "more", "named"),
    [
        ("unsupported", {"unsupported": {"type": "poll_creation"}}, "poll_creation"),
        ("hologram", {}, "hologram"),
        ("", {}, "nothing"),
        ("interactive", {"interactive": {"type": "carousel"}}, "interactive carousel"),
    ],
)
def test_what_cannot_be_shown_says_what_it_was(kind: str, more: Any, named: str) -> None:
    errors = [{"code": 131051, "title": "Message type unknown"}]
    found = message(kind, errors=errors, **more)
    assert found.text == f"[{named}: this kind of message cannot be shown here]"
    assert not found.aside, "a person should see it"


@pytest.mark.parametrize(
    ("state", "codes", "said", "is_dead"),
    [
        ("delivered", [], "delivered", False),
        ("read", [], "read", False),
        ("played", [], "read", False),
        ("failed", [131047], "failed", False),
        ("failed", [131026], "failed", True),
    ],
)
def test_a_report_says_how_ours_fared(
    state: str, codes: list[int], said: str, is_dead: bool
) -> None:
    errors = [{"code": code, "title": "no"} for code in codes]
    (found,) = read(envelope({"status": {"id": "wamid.B", "status": state, "errors": errors}}))
    why = f"WhatsApp: {codes[0]} no" if codes else ""
    assert found.report == Report("whatsapp:wamid.B", said, why, is_dead)  # type: ignore[arg-type]


def test_an_event_of_another_kind_is_for_a_person() -> None:
    assert normalize(envelope({}))[0].unreadable


NAMES = [
    "type", "from", "id", "text", "body", "timestamp", "context", "forwarded", "image", "caption",
    "reaction", "emoji", "location", "latitude", "contacts", "name", "phones", "interactive",
    "button_reply", "nfm_reply", "response_json", "order", "product_items", "system", "edit",
    "message", "original_message_id", "revoke", "errors", "error_data", "unsupported", "status",
]  # fmt: skip
KINDS = ["text", "image", "reaction", "location", "contacts", "interactive", "order", "system",
         "edit", "revoke", "unsupported", "button", "nfm_reply", "failed"]  # fmt: skip
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


@given(JSON | st.fixed_dictionaries({"message": MESSAGES, "contact": JSON}))
def test_no_event_makes_the_reader_raise(event: object) -> None:
    read(envelope(event))


@given(st.binary())
def test_no_octets_make_it_raise(raw: bytes) -> None:
    sent = Envelope(channel="wa", format="whatsapp", raw=raw, unit="1", received_at=AT)
    assert len(normalize(sent)) == 1
