"""One mail from bytes, for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from normalizer.email import read
from normalizer.message import Envelope, Message

HEAD = (
    b"From: Yuki Sato <yuki@example.jp>\r\n"
    b"To: support@example.com\r\n"
    b"Subject: Where is my parcel?\r\n"
    b"Message-ID: <one@example.jp>\r\n"
    b"Date: Mon, 2 Feb 2026 10:00:00 +0900\r\n"
)


def envelope(raw: bytes) -> Envelope:
    return Envelope(
        channel="mail",
        format="rfc5322",
        raw=raw,
        unit="1",
        received_at=datetime(2026, 2, 2, tzinfo=UTC),
    )


def reading(raw: bytes) -> Message:
    (message,) = read(envelope(raw))
    return message
