"""Mail that is passed on names its first writer, as a claim beside the others."""

from __future__ import annotations

import pytest

from normalizer.message import Claim, Identity
from tests.normalizer.email.mail import HEAD, reading

FORWARD = HEAD.replace(b"Subject: ", b"Subject: Fwd: ")
HANA = Claim("forwarded", Identity("email", "hana@example.com"), "Hana Mori")


def forwarded(raw: bytes) -> list[Claim]:
    return [claim for claim in reading(raw).claims if claim.source == "forwarded"]


BLOCKS = {
    "gmail": "---------- Forwarded message ---------\nFrom: Hana Mori <hana@example.com>\nDate: Mon, Jan 5, 2026 at 9:12 AM\nSubject: Parcel\nTo: <yuki@example.jp>\n\nHello\n",
    "gmail, bold": "---------- Forwarded message ---------\nFrom: *Hana Mori* <Hana@Example.com>\nDate: Mon, Jan 5, 2026\nSubject: Parcel\n\nHello\n",
    "apple": "Begin forwarded message:\n\n> From: Hana Mori <hana@example.com>\n> Subject: Parcel\n> Date: 5 January 2026\n> \n> Hello\n",
    "outlook": "________________________________\nFrom: Hana Mori [mailto:hana@example.com]\nSent: Monday, January 5, 2026 9:12 AM\nTo: Yuki\nSubject: Parcel\n\nHello\n",
    "outlook, linked": "________________________________\nFrom: Hana Mori <hana@example.com<mailto:hana@example.com>>\nSent: Monday, January 5, 2026 9:12 AM\nSubject: Parcel\n\nHello\n",
    "japanese": "---------- 転送メッセージ ----------\n差出人：Hana Mori <hana@example.com>\n日時: 2026年1月5日\n件名: 荷物\n\nHello\n",
}  # fmt: skip


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_a_copied_mail_names_its_writer(block: str) -> None:
    raw = FORWARD + b"Content-Type: text/plain; charset=utf-8\r\n\r\nPlease see.\n\n"
    assert forwarded(raw + block.encode()) == [HANA]


def attached(inner: bytes, kind: bytes = b"multipart/mixed") -> bytes:
    return (
        FORWARD + b"Content-Type: " + kind + b"; boundary=B\r\n\r\n--B\r\n\r\nPlease see.\r\n--B\r\n"
        b"Content-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--B--\r\n"
    )  # fmt: skip


LETTER = b"From: Hana Mori <hana@example.com>\r\nSubject: Parcel\r\n\r\nHello"


def test_an_attached_mail_names_its_writer_beside_who_passed_it_on() -> None:
    message = reading(attached(LETTER))
    assert message.claims[0].identity.address == "yuki@example.jp"
    assert message.claims[-1] == HANA


def test_of_several_only_the_outermost_counts() -> None:
    inner = LETTER + b"\r\n\r\n---------- Forwarded message ---------\r\nFrom: a@b.example\r\n"
    assert forwarded(attached(inner)) == [HANA]


NOBODY = {
    "two From": attached(b"From: a@b.example\r\n" + LETTER),
    "two mailboxes": attached(b"From: a@b.example, c@d.example\r\n\r\nHello"),
    "a digest": attached(LETTER, b"multipart/digest"),
    "a report": attached(LETTER, b"multipart/report; report-type=delivery-status"),
    "a quotation": HEAD + b"\r\nYes.\n\nOn Mon, 5 Jan 2026, Hana <hana@example.com> wrote:\n> Hello\n",
    "nothing passed on": HEAD + b"\r\nFrom: here\nTo: there\n",
}  # fmt: skip


@pytest.mark.parametrize("raw", NOBODY.values(), ids=NOBODY)
def test_what_names_nobody_or_several_is_no_claim(raw: bytes) -> None:
    assert forwarded(raw) == []
