"""A whole mail becomes one message with every field filled."""

from __future__ import annotations

from datetime import datetime

from normalizer.message import Address, Identity
from tests.normalizer.email.mail import HEAD, reading

MIXED = (
    HEAD + b"References: <a@x> <b@x>\r\nIn-Reply-To: <b@x>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="B"\r\n\r\npreamble\r\n'
    b"--B\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Case K7Q2-9XWD please.\r\n"
    b'--B\r\nContent-Type: application/pdf; name="a.pdf"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--B--\r\n"
)


def test_a_plain_mail_tells_who_when_and_what() -> None:
    message = reading(HEAD + b"\r\nHello there\r\n")
    assert message.from_ == (Address("Yuki Sato", "yuki@example.jp"),)
    assert message.to == (Address("", "support@example.com"),)
    assert message.subject == "Where is my parcel?"
    assert message.date == datetime.fromisoformat("2026-02-02T10:00:00+09:00")
    assert message.text == "Hello there\n"
    assert message.message_id == "one@example.jp"
    assert message.claims[0].identity == Identity("email", "yuki@example.jp")


def test_attachments_and_threading_keys_and_typed_references_are_found() -> None:
    message = reading(MIXED)
    (part,) = message.parts
    assert (part.filename, part.data, part.size, part.role) == ("a.pdf", b"\0\1\2", 3, "attachment")
    assert message.references == ("a@x", "b@x")
    assert message.in_reply_to == "b@x"
    assert message.mentions == ("K7Q2-9XWD",)


def test_line_ends_do_not_change_the_reading() -> None:
    assert reading(MIXED) == reading(MIXED.replace(b"\r\n", b"\n"))


def test_the_path_of_a_mail_does_not_change_its_fingerprint() -> None:
    other = b"Received: from a by b; Mon, 2 Feb 2026 10:00:01 +0900\r\n" + MIXED
    assert reading(other).fingerprint == reading(MIXED).fingerprint


def test_another_body_changes_the_fingerprint() -> None:
    other = MIXED.replace(b"please", b"now")
    assert reading(other).fingerprint != reading(MIXED).fingerprint


def test_without_a_message_id_only_the_same_bytes_are_the_same_mail() -> None:
    bare = MIXED.replace(b"Message-ID: <one@example.jp>\r\n", b"")
    assert reading(bare).fingerprint == reading(bare).fingerprint
    assert reading(b"Received: x\r\n" + bare).fingerprint != reading(bare).fingerprint


def test_a_mail_that_went_in_circles_is_marked() -> None:
    hop = b"Received: from a by b; Mon, 2 Feb 2026 10:00:01 +0900\r\n"
    assert "too-many-received" in reading(hop * 101 + MIXED).defects
    assert "too-many-received" not in reading(hop * 100 + MIXED).defects
