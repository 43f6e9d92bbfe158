"""Header fields are found and decoded however they are misused."""

from __future__ import annotations

import pytest

from normalizer.email import parameters, words
from normalizer.email.headers import split
from tests.normalizer.email.mail import reading


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?caf=C3=A9?=", "café"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        (b"a =?utf-8?q?b?=", "a b"),
        (b"=?utf-8?b?44GC4w==?= =?utf-8?b?gYQ=?=", "あい"),
        (b"=?utf-8?q?this is loose?=", "this is loose"),
        (b"=?utf-8*en?q?tongue?=", "tongue"),
        (b"=?utf-8?q?Who?_me?=", "Who? me"),
        (b"=?iso-2022-jp?b?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは"),
        (b"=?shift_jis?b?h0A=?=", "①"),
        (b"=?utf-8?b?YQ?=", "a"),
        (b"=?utf-8?b?!!?=", ""),
        (b"=?", "=?"),
        (b"=?utf-8?q?open", "=?utf-8?q?open"),
        ("届きません".encode(), "届きません"),
        ("届きません".encode("cp932"), "届きません"),
        (b"\x1b$BFO$/\x1b(B", "届く"),
        (b"=?utf-8?q?a=0D=0Ab?=", "a b"),
    ],
)
def test_encoded_words_are_read_as_meant(value: bytes, text: str) -> None:
    assert words.decode(value) == text


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b'attachment; filename="a b.pdf"', "a b.pdf"),
        (b"attachment; filename=a b.pdf", "a b.pdf"),
        (b"attachment; filename*=utf-8''%E8%A6%8B%E7%A9%8D.pdf", "見積.pdf"),
        (b"attachment; filename*=shift_jis''%8C%A9.pdf", "見.pdf"),
        (b'attachment; filename*0="a"; filename*1="b"', "ab"),
        (b"attachment; filename*1*=%81%82; filename*0*=utf-8''%E3", "あ"),
        (b"attachment; filename*0*=utf-8''a%20; filename*1=\"b%20\"", "a b%20"),
        (b'attachment; filename="=?utf-8?b?6KaL?="', "見"),
        (b"attachment; filename==?utf-8?b?6KaL?=", "見"),
        (b"attachment; FILENAME=x.txt; filename=y.txt", "x.txt"),
        (b'attachment; filename="C:\\temp\\x.txt"', "C:\\temp\\x.txt"),
        (b'attachment; filename="say \\"hi\\""', 'say "hi"'),
        (b'attachment; filename="open', "open"),
        (b"attachment;; filename = x.txt ;", "x.txt"),
        ("attachment; filename=見積.pdf".encode(), "見積.pdf"),
        ("attachment; filename=見積.pdf".encode("cp932"), "見積.pdf"),
    ],
)
def test_parameters_are_read_as_meant(value: bytes, name: str) -> None:
    main, values = parameters.parse(value)
    assert main == "attachment"
    assert values["filename"] == name


def test_a_fold_is_no_text() -> None:
    assert reading(b"Subject: one\n  two\n\tthree\n\nx").subject == "one  two\tthree".replace(
        "\t", " "
    )


def test_a_header_that_no_empty_line_ends_gives_way_to_the_text() -> None:
    message = reading(b"From: a@b.example\nSubject: x\nHello there\n\nmore")
    assert message.subject == "x"
    assert message.text == "Hello there\n\nmore"
    assert "missing-separator" in message.defects


def test_a_stray_line_between_fields_is_passed_over() -> None:
    message = reading(b"From: a@b.example\ngarbage\nSubject: x\n\nhello")
    assert (message.subject, message.text) == ("x", "hello")
    assert "stray-header-line" in message.defects


def test_an_mbox_line_is_no_defect() -> None:
    message = reading(
        b"From a@b.example Mon Jan  5 10:00:00 2026\nFrom: a@b.example\nMessage-ID: <1@x>\n\nhi"
    )
    assert message.defects == ()


def test_names_of_fields_have_no_case_and_spaces_before_the_colon_do_not_matter() -> None:
    headers, start, _ = split(b"SUBJECT : x\n\nbody")
    assert headers.raw("subject") == b"x"
    assert start == 13


def test_of_two_subjects_the_first_counts() -> None:
    assert reading(b"Subject: one\nSubject: two\n\n").subject == "one"


def test_of_two_dates_the_whole_one_counts() -> None:
    date = reading(b"Date: Mon, 5 Jan 2026 10:\nDate: Mon, 5 Jan 2026 10:00:01 +0900\n\n").date
    assert date is not None
    assert date.second == 1


def test_trace_fields_stand_in_their_order() -> None:
    trace = reading(b"Received: two\nAuthentication-Results: x; spf=pass\nReceived: one\n\n").trace
    assert trace == (
        ("received", "two"),
        ("authentication-results", "x; spf=pass"),
        ("received", "one"),
    )
