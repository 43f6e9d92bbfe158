"""What Slack tells, written after the Events API's own description, as messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.slack.event import heard
from normalizer.message import Claim, Envelope, Identity, Message
from normalizer.slack import name, read
from normalizer.slack_text import escaped, plain, unescaped

KEPT = {"team": "T1", "user": "U1", "bot": "UBOT", "name": "Yuki", "language": "ja-JP"}


def parsed(value: object) -> Message:
    raw, at = json.dumps(value).encode(), datetime(2026, 11, 24, tzinfo=UTC)
    (message,) = read(Envelope(channel="sl", format="slack", raw=raw, unit="Ev1", received_at=at))
    return message


def said(text: str = "", **more: Any) -> Message:
    event = {
        "type": "message",
        "channel": "D1",
        "user": "U1",
        "text": text,
        "ts": "1764000000.000100",
    }
    return parsed(KEPT | {"event": event | more})


def test_a_text_is_a_message_of_a_known_person() -> None:
    message = said("Where is my parcel &amp; my &lt;receipt&gt;?")
    assert message.text == message.reply_text == "Where is my parcel & my <receipt>?"
    assert message.claims == (Claim("platform", Identity("slack", "T1/U1"), "Yuki"),)
    assert message.message_id == "slack:D1:1764000000.000100"
    assert message.date == datetime(2025, 11, 24, 16, 0, tzinfo=UTC)
    assert not any((message.aside, message.unreadable, message.in_reply_to))


def test_of_a_few_words_the_language_is_the_program_s() -> None:
    assert said("OK").language == "ja"
    assert said("Where is my parcel? I have not got it and I need it.").language == "en"


@pytest.mark.parametrize(
    ("marked", "shown"),
    [
        ("<@UBOT> hello", "hello"),
        ("<@U9> and <@U9|hana>", "@U9 and @hana"),
        ("in <#C1|help> or <#C2>", "in #help or #C2"),
        ("<!here> <!subteam^S1|@team> <!date^1^{date}|today>", "@here @team today"),
        ("<https://a.example/1?b=1&amp;c=2>", "https://a.example/1?b=1&c=2"),
        ("<https://a.example|a.example>", "https://a.example"),
        ("<https://a.example|here>", "here (https://a.example)"),
        ("<mailto:yuki@example.jp|yuki@example.jp>", "yuki@example.jp"),
        ("1 &lt; 2 &amp;lt; 3", "1 < 2 &lt; 3"),
        ("a < b > c <", "a < b > c <"),
    ],
)
def test_markup_is_read_as_it_is_seen(marked: str, shown: str) -> None:
    assert plain(marked, "UBOT") == shown


@given(st.text())
def test_what_we_say_is_shown_as_it_is(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert plain(escaped(text)) == text.strip()


def test_what_stands_in_a_thread_answers_its_first_message() -> None:
    message = said("and now?", thread_ts="1763.000001", channel="C1")
    assert message.message_id == "slack:C1:1763.000001:1764000000.000100"
    assert message.in_reply_to == "slack:C1:1763.000001"
    assert message.references == ("slack:C1:1763.000001",)
    first = said("hello", thread_ts="1764000000.000100")
    assert (first.message_id, first.in_reply_to) == (name("D1", "1764000000.000100"), "")


def test_an_edit_is_another_wording_of_the_first() -> None:
    now = {"user": "U1", "text": "Where??", "ts": "1764.1", "edited": {"ts": "1765.0"}}
    message = said(subtype="message_changed", message=now, previous_message=now | {"text": "W"})
    assert (message.text, message.edits, message.aside) == ("Where??", "slack:D1:1764.1", False)
    assert message.message_id == "slack:D1:1764.1#1765.0"


@pytest.mark.parametrize("tombstone", [False, True])
def test_what_is_deleted_is_marked(tombstone: bool) -> None:
    old = {"user": "U1", "text": "my password", "ts": "1764.1"}
    deleted: dict[str, Any] = {"subtype": "message_deleted", "previous_message": old}
    if tombstone:
        new = {"subtype": "tombstone", "user": "USLACKBOT", "text": "gone", "ts": "1764.1"}
        deleted |= {"subtype": "message_changed", "message": new}
    message = said(**deleted)
    assert (message.text, message.edits, message.aside) == ("", "slack:D1:1764.1", True)
    assert message.defects == ("the customer took it back",)


def test_files_are_fetched_later_by_their_ids() -> None:
    files = [
        {"id": "F1", "name": "a.png", "mimetype": "image/png", "size": 12, "mode": "hosted",
         "url_private": "https://evil.example/"},
        {"id": "F2", "mode": "external", "name": "doc"},
        {"id": "F3", "file_access": "check_file_info"},
    ]  # fmt: skip
    parts = said("see", files=files, subtype="file_share").parts
    assert [(part.source, part.filename, part.size) for part in parts] == [
        ("F1", "a.png", 12), ("", "doc", 0), ("F3", "file", 0),
    ]  # fmt: skip


def test_a_pressed_button_is_its_label_and_its_data() -> None:
    action = {"value": "vote:5", "text": {"text": "Good &amp; fast"}, "action_ts": "1764000000.1"}
    message = parsed(KEPT | {"press": action, "channel": "C1", "ts": "1764.2", "thread": "1764.1"})
    assert (message.pressed, message.text) == ("vote:5", "Good & fast")
    assert message.in_reply_to == "slack:C1:1764.1:1764.2"


def test_what_is_nobody_s_is_for_a_person_to_look_at() -> None:
    assert parsed(KEPT).unreadable
    assert parsed({"event": {"text": "x"}}).unreadable
    assert parsed([]).unreadable


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([
    "type", "subtype", "event", "message", "previous_message", "user", "text", "ts", "thread_ts",
    "edited", "files", "id", "mode", "size", "channel", "actions", "value", "team", "container",
    "authorizations", "is_bot", "user_id", "event_id", "trigger_id", "bot_id", "channel_type",
])  # fmt: skip
WORDS = st.sampled_from([
    "message", "app_mention", "event_callback", "block_actions", "message_changed", "U1", "C1",
    "message_deleted", "tombstone", "1764.1",
])  # fmt: skip
CALLS = st.recursive(
    ANYTHING | WORDS,
    lambda inner: st.dictionaries(KEYS, inner, max_size=6) | st.lists(inner, max_size=2),
    max_leaves=20,
)


@given(CALLS)
def test_no_call_breaks_the_reader(call: Any) -> None:
    assert isinstance(parsed(KEPT | {"event": call}).text, str)
    assert isinstance(parsed(KEPT | {"press": call}).text, str)
    if isinstance(call, dict):
        heard(call | {"type": "event_callback"})
        heard(call | {"type": "block_actions"})
