"""What a text message says; samples are our own, in the published format."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizer import normalize
from normalizer.message import Claim, Envelope, Identity, Message, Report

AT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
SID, MEDIA = "SM" + "4711" * 8, "ME" + "beef" * 8
FILE = f"https://api.twilio.com/2010-04-01/Accounts/AC{'0' * 32}/Messages/{SID}/Media/{MEDIA}"


def envelope(raw: bytes) -> Envelope:
    return Envelope(channel="sms", format="sms", raw=raw, unit=SID, received_at=AT)


def sms(text: str = "hello", **more: str) -> Message:
    fields = {"MessageSid": SID, "From": "+819012345678", "Body": text, "SmsStatus": "received"}
    (found,) = normalize(envelope(urlencode(fields | more).encode()))
    return found


def test_a_text_is_its_writers_own() -> None:
    found = sms("注文が届きません 🙂\nどこですか")
    assert found.text == found.reply_text == "注文が届きません 🙂\nどこですか"
    assert found.language == "ja"
    assert found.claims == (Claim("platform", Identity("tel", "+819012345678"), ""),)
    assert (found.message_id, found.fingerprint) == (f"sms:{SID}", f"sms sms:{SID}")
    assert not found.automatic.suppress_reply


@pytest.mark.parametrize("sender", ["Amazon", "12345", "AUTHMSG"])
def test_who_has_no_number_cannot_be_answered(sender: str) -> None:
    found = sms("Your code is 1234", From=sender)
    assert found.claims[0].source == "from"
    assert (found.automatic.is_auto, found.automatic.suppress_reply) == (True, True)


def test_pictures_are_fetched_later_and_other_addresses_are_shown() -> None:
    found = sms(
        "look", NumMedia="2", MediaUrl0=FILE, MediaContentType0="image/jpeg",
        MediaUrl1="https://evil.example/x", MediaContentType1="image/png",
    )  # fmt: skip
    (part,) = found.parts
    assert (part.source, part.content_type, part.data) == (
        f"{SID}/Media/{MEDIA}",
        "image/jpeg",
        b"",
    )
    assert found.text == "look\nhttps://evil.example/x"


def test_a_picture_alone_is_a_message() -> None:
    found = sms("", NumMedia="1", MediaUrl0=FILE)
    assert (found.text, len(found.parts), found.aside) == ("", 1, False)


@pytest.mark.parametrize("text", ["STOP", " stop ", "Unsubscribe", "stop all", "QUIT.", "OptOut"])
def test_who_opts_out_is_reached_by_nothing(text: str) -> None:
    found = sms(text)
    assert found.report
    assert found.report[:2] == ("", "failed")
    assert found.report.address_dead
    assert (found.aside, found.text) == (True, text)


@pytest.mark.parametrize("text", ["START", "unstop"])
def test_who_comes_back_is_reached_again(text: str) -> None:
    assert sms(text).report == Report("", "delivered")


@pytest.mark.parametrize("text", ["YES", "please stop the order", "Stop it now", "cancel my order"])
def test_ordinary_words_are_no_keywords(text: str) -> None:
    found = sms(text)
    assert (found.report, found.aside, found.automatic.suppress_reply) == (None, False, False)


def test_twilios_own_word_on_a_keyword_counts() -> None:
    """Where keywords were chosen in the console, it says what each means."""
    stopped = sms("やめる", OptOutType="STOP").report
    assert stopped
    assert stopped.address_dead
    assert sms("yes", OptOutType="START").report == Report("", "delivered")
    assert sms("stop", OptOutType="HELP").report is None


def test_who_asks_for_help_gets_a_person_and_no_second_answer() -> None:
    """Twilio answers HELP itself; for us it is a matter as any other."""
    found = sms("help")
    assert (found.aside, found.report) == (False, None)
    assert (found.automatic.suppress_reply, found.automatic.is_auto) == (True, False)


@pytest.mark.parametrize(
    ("status", "code", "state", "is_dead"),
    [
        ("delivered", "", "delivered", False),
        ("read", "", "read", False),
        ("undelivered", "30003", "failed", False),
        ("undelivered", "30005", "failed", True),
        ("undelivered", "30006", "failed", True),
        ("failed", "21610", "failed", True),
        ("undelivered", "30007", "failed", False),
    ],
)
def test_a_report_says_how_ours_fared(status: str, code: str, state: str, is_dead: bool) -> None:
    report = sms(MessageStatus=status, ErrorCode=code).report
    assert report
    assert (report.peer_id, report.state, report.address_dead) == (f"sms:{SID}", state, is_dead)
    assert report.error == (f"Twilio: {status} {code}" if state == "failed" else "")


def test_a_call_that_names_no_message_is_for_a_person() -> None:
    assert normalize(envelope(b"From=%2B81"))[0].unreadable


NAMES = ["MessageSid", "From", "Body", "NumMedia", "MediaUrl0", "MessageStatus", "ErrorCode",
         "OptOutType", "MediaContentType0"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), st.text() | st.sampled_from(["9" * 5000, "²", "3"])))
def test_no_fields_make_the_reader_raise(fields: dict[str, str]) -> None:
    raw = urlencode(fields, errors="replace").encode()
    assert "while reading" not in normalize(envelope(raw))[0].unreadable


@given(st.binary())
def test_no_octets_make_it_raise(raw: bytes) -> None:
    assert "while reading" not in normalize(envelope(raw))[0].unreadable
