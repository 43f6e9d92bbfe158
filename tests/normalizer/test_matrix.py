"""Events of Matrix rooms, written after the specification, as messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.matrix.sync import concerns, said_at, take_apart
from normalizer.matrix import read
from normalizer.message import Claim, Envelope, Identity, Message, Report

YUKI = "@yuki:example.jp"


def parsed(value: object) -> Message:
    raw, at = json.dumps(value).encode(), datetime(2026, 11, 24, tzinfo=UTC)
    (message,) = read(Envelope(channel="mx", format="matrix", raw=raw, unit="$e", received_at=at))
    return message


def event(content: dict[str, Any], kind: str = "m.room.message", **more: Any) -> dict[str, Any]:
    facts = {"event_id": "$e", "sender": YUKI, "origin_server_ts": 1764000000000}
    return facts | {"type": kind, "content": content} | more


def said(content: dict[str, Any], kind: str = "m.room.message", **more: Any) -> Message:
    return parsed({"room": "!r:x", "name": "Yuki", "event": event(content, kind, **more)})


def text(body: str, **more: Any) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": body} | more


def test_a_text_is_a_message_of_a_known_customer() -> None:
    message = said(text("注文はどこですか"))
    assert message.text == message.reply_text == "注文はどこですか"
    assert message.claims == (Claim("platform", Identity("matrix", YUKI), "Yuki"),)
    assert str(Identity("matrix", YUKI)) == "matrix:@yuki:example.jp"
    assert (message.message_id, message.language) == ("matrix:$e", "ja")
    assert message.date == datetime(2025, 11, 24, 16, 0, tzinfo=UTC)
    assert not any((message.aside, message.unreadable, message.automatic.is_auto))


def test_formatted_words_are_kept_beside_the_plain_ones() -> None:
    more = {"format": "org.matrix.custom.html", "formatted_body": "<b>Where</b> is it?"}
    message = said(text("**Where** is it?", **more))
    assert (message.text, message.html) == ("**Where** is it?", "<b>Where</b> is it?")


def test_a_reply_names_what_it_answers_without_repeating_it() -> None:
    html = "<mx-reply><blockquote>Hello</blockquote></mx-reply>Yes > no"
    message = said(
        text(
            f"> <{YUKI}> Hello\n> there\n\nYes > no",
            formatted_body=html,
            format="org.matrix.custom.html",
            **{"m.relates_to": {"m.in_reply_to": {"event_id": "$first"}}},
        )
    )
    assert (message.text, message.html) == ("Yes > no", "Yes > no")
    assert message.in_reply_to == "matrix:$first"


def test_a_quotation_of_the_customer_s_own_is_no_fallback() -> None:
    assert said(text("> so it says\n\nwhat now?")).text == "> so it says\n\nwhat now?"


def test_an_edit_is_another_wording_of_the_first() -> None:
    relation = {"rel_type": "m.replace", "event_id": "$first"}
    message = said(text("* Where?", **{"m.new_content": text("Where?"), "m.relates_to": relation}))
    assert (message.text, message.edits, message.message_id) == (
        "Where?", "matrix:$first", "matrix:$e",
    )  # fmt: skip


@pytest.mark.parametrize("where", ["event", "content"], ids=["before version 11", "since"])
def test_what_is_taken_back_is_marked(where: str) -> None:
    here = {"redacts": "$first"}
    content, more = ({}, here) if where == "event" else (here, {})
    message = said(content, "m.room.redaction", **more)
    assert (message.edits, message.aside, message.text) == ("matrix:$first", True, "")
    assert message.defects == ("the customer took it back",)
    assert said({}).aside, "also one that was taken back before we read it"


def test_asides_open_no_matter() -> None:
    relation = {"rel_type": "m.annotation", "event_id": "$first", "key": "👍"}
    reaction = said({"m.relates_to": relation}, "m.reaction")
    assert (reaction.text, reaction.in_reply_to, reaction.aside) == ("👍", "matrix:$first", True)
    sticker = said({"body": "a waving cat", "url": "mxc://x/y"}, "m.sticker")
    assert (sticker.text, sticker.aside) == ("a waving cat", True)
    call = said({"call_id": "1"}, "m.call.invite")
    assert (call.text, call.aside) == ("[m.call.invite]", True)


def test_a_bot_s_notice_is_not_answered() -> None:
    message = said({"msgtype": "m.notice", "body": "I am out of office"})
    assert message.automatic.is_auto
    assert message.automatic.suppress_reply


def test_an_encrypted_event_is_kept_with_words_for_people() -> None:
    message = said({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x"}, "m.room.encrypted")
    assert "encrypted" in message.text
    assert (message.aside, message.unreadable, message.defects) == (True, "", ("encrypted",))


def test_a_file_is_fetched_later_and_its_words_are_the_caption() -> None:
    info = {"mimetype": "image/png", "size": 12}
    content = {"msgtype": "m.image", "body": "It is broken", "filename": "a.png", "info": info}
    message = said(content | {"url": "mxc://example.jp/abc"})
    (part,) = message.parts
    assert message.text == "It is broken"
    assert (part.source, part.content_type, part.size, part.filename) == (
        "mxc://example.jp/abc", "image/png", 12, "a.png",
    )  # fmt: skip
    (part,) = said({"msgtype": "m.file", "body": "a.pdf", "url": "https://evil.example"}).parts
    assert (part.source, part.filename) == ("", "a.pdf"), "only Matrix's own addresses"


def test_places_and_acts_are_words() -> None:
    place = {"msgtype": "m.location", "body": "the shop", "geo_uri": "geo:35.6,139.7"}
    assert said(place).text == "📍 the shop geo:35.6,139.7"
    assert said({"msgtype": "m.emote", "body": "waits"}).text == "* waits"


@pytest.mark.parametrize(("now", "dead"), [("leave", True), ("ban", True), ("join", False)])
def test_who_leaves_our_chat_cannot_be_written_to_until_they_are_back(now: str, dead: bool) -> None:
    message = said({"membership": now}, "m.room.member", state_key=YUKI)
    assert isinstance(message.report, Report)
    assert (message.report.peer_id, message.report.address_dead) == ("", dead)
    assert message.aside


def test_what_is_no_event_is_for_a_person_to_look_at() -> None:
    assert parsed({"event": {"event_id": "$e"}}).unreadable
    assert parsed(7).unreadable


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([
    "msgtype", "body", "url", "info", "size", "mimetype", "filename", "file", "m.relates_to",
    "m.in_reply_to", "event_id", "rel_type", "m.new_content", "format", "formatted_body", "key",
    "redacts", "membership",
])  # fmt: skip
WORDS = st.sampled_from([
    "m.text", "m.image", "m.replace", "$first", "mxc://a/b", "org.matrix.custom.html", "join",
])  # fmt: skip
CONTENTS = st.recursive(
    ANYTHING | WORDS, lambda inner: st.dictionaries(KEYS, inner, max_size=5), max_leaves=12
)
KINDS = st.sampled_from([
    "m.room.message", "m.room.encrypted", "m.reaction", "m.sticker", "m.room.redaction",
    "m.room.member", "m.x",
])  # fmt: skip


@given(content=CONTENTS, kind=KINDS, at=ANYTHING, key=ANYTHING)
def test_no_event_breaks_the_reader(content: Any, kind: str, at: Any, key: Any) -> None:
    value = event({}, kind) | {"content": content, "origin_server_ts": at, "state_key": key}
    message = parsed({"name": "x", "event": value})
    assert message.claims
    assert isinstance(message.text, str)
    concerns(value, "@us:x")
    said_at(value)


SYNC_KEYS = st.sampled_from([
    "rooms", "join", "invite", "leave", "timeline", "events", "limited", "prev_batch", "state",
    "next_batch", "invite_state", "!r:x", "type", "content",
])  # fmt: skip


@given(
    st.recursive(
        ANYTHING,
        lambda inner: st.dictionaries(SYNC_KEYS, inner, max_size=4) | st.lists(inner, max_size=3),
        max_leaves=20,
    )
)
def test_no_answer_of_a_homeserver_breaks_the_loop(answer: Any) -> None:
    if isinstance(answer, dict):
        assert isinstance(take_apart(answer, "@us:x").next, str)
