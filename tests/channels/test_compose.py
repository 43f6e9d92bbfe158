"""What a mail looks like that we compose."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

import pytest

from channels.base import Rejected
from channels.mail_compose import compose, wire
from normalizer.message import Address, Kind, Message, Part

SENDER = Address("Example Support", "support@example.com")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=timezone(timedelta(hours=9)))
YUKI = Address("", "yuki@example.jp")
BREAKERS = "\r\n\x0b\x0c\x00\x85\u2028\u2029\u202e\u2066\x7f"


def octets(message: Message, sender: Address = SENDER) -> bytes:
    return compose(message, sender, NOON, "mx.example.com")


def parsed(message: Message, sender: Address = SENDER) -> EmailMessage:
    return message_from_bytes(octets(message, sender), policy=policy.default)


def part(data: bytes, filename: str, content_type: str = "image/png", **more: str) -> Part:
    return Part(
        role="inline" if "content_id" in more else "attachment",
        content_type=content_type,
        size=len(data),
        sha256="",
        data=data,
        filename=filename,
        **more,
    )


def header_lines(mail: bytes) -> list[bytes]:
    return mail.partition(b"\r\n\r\n")[0].split(b"\r\n")


def test_an_acknowledgement_is_exactly_this() -> None:
    """Header by header what INTERFACES promises of automatic mail."""
    message = Message(
        kind="acknowledgement",
        message_id="1.2.token@example.com",
        in_reply_to="question@example.jp",
        references=("root@example.jp", "question@example.jp"),
        to=(YUKI,),
        reply_to=(Address("", "support+1.2.token@example.com"),),
        subject="Re: Where is my order?",
        text="We have your message.\n",
    )
    assert octets(message).decode() == (
        "Date: Sat, 21 Nov 2026 12:00:00 +0900\r\n"
        "From: Example Support <support@example.com>\r\n"
        "To: yuki@example.jp\r\n"
        "Subject: Re: Where is my order?\r\n"
        "Message-ID: <1.2.token@example.com>\r\n"
        "In-Reply-To: <question@example.jp>\r\n"
        "References: <root@example.jp> <question@example.jp>\r\n"
        "Reply-To: support+1.2.token@example.com\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "X-Auto-Response-Suppress: All\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "We have your message.\r\n"
    )


@pytest.mark.parametrize(
    ("kind", "submitted", "suppress"),
    [
        ("acknowledgement", "auto-replied", "All"),
        ("follow_up", "auto-generated", "All"),
        ("notice", "auto-generated", "All"),
        ("survey", "auto-generated", "All"),
        ("reply", None, None),
        ("message", None, None),
    ],
)
def test_automatic_mail_says_so(kind: Kind, submitted: str | None, suppress: str | None) -> None:
    mail = parsed(Message(kind=kind, to=(YUKI,), text="x"))
    assert mail["Auto-Submitted"] == submitted
    assert mail["X-Auto-Response-Suppress"] == suppress


@pytest.mark.parametrize(
    ("url", "link", "click"),
    [
        ("https://a.example/u/1.2.f", "<https://a.example/u/1.2.f>", "List-Unsubscribe=One-Click"),
        ("http://127.0.0.1:8025/u/1", "<http://127.0.0.1:8025/u/1>", None),  # no HTTPS, no click
        ("https://a.example/>\r\nBcc: x@evil.example", None, None),
        ("", None, None),
    ],
)
def test_a_promotion_is_ended_by_one_click(url: str, link: str | None, click: str | None) -> None:
    """RFC 8058 section 3.1."""
    mail = parsed(Message(kind="notice", to=(YUKI,), text="x", unsubscribe=url))
    assert mail["List-Unsubscribe"] == link
    assert mail["List-Unsubscribe-Post"] == click
    assert mail["Bcc"] is None


@pytest.mark.parametrize("breaker", BREAKERS)
def test_no_value_can_begin_a_header_of_its_own(breaker: str) -> None:
    """S03: whatever breaks lines or turns their direction is gone from every header."""
    evil = f"a{breaker}Bcc: victim@example.org{breaker}b"
    message = Message(
        kind="reply",
        message_id=f"{evil}@example.com",
        in_reply_to=evil,
        references=(evil, "fine@example.jp"),
        to=(Address(evil, "yuki@example.jp"),),
        reply_to=(Address(evil, "support@example.com"),),
        subject=evil,
        text="x",
        parts=(part(b"", evil, f"image/png{breaker}X: y", content_id=evil),),
    )
    mail = octets(message, Address(evil, "support@example.com"))
    read = message_from_bytes(mail, policy=policy.default)
    assert read["Bcc"] is None
    assert breaker not in str(read["Subject"])
    assert read["References"] == "<fine@example.jp>"
    assert not re.search(rb"[^\x20-\x7e\r\n]", b"\r\n".join(header_lines(mail)))


def test_a_subject_of_100_kb_is_bounded() -> None:
    """S03: at most 250 characters, cut with an ellipsis."""
    subject = str(parsed(Message(to=(YUKI,), subject="返品" * 50_000))["Subject"])
    assert subject == "返品" * 124 + "返…"


def test_an_empty_subject_makes_no_header() -> None:
    assert "Subject" not in parsed(Message(to=(YUKI,), subject="\x00", text="x"))


def test_half_a_character_is_replaced() -> None:
    """A lone surrogate has no octets."""
    mail = parsed(Message(to=(YUKI,), subject="a\ud83c", text="b\ud83c"))
    assert mail["Subject"] == "a\ufffd"
    assert mail.get_content() == "b?\r\n"


def test_a_subject_that_looks_encoded_arrives_as_it_was_written() -> None:
    """Nobody decodes what an attacker encoded."""
    subject = "=?utf-8?B?4oCu?= hello"
    mail = octets(Message(to=(YUKI,), subject=subject))
    assert b"4oCu" not in mail
    assert message_from_bytes(mail, policy=policy.default)["Subject"] == subject


def test_encoded_words_keep_to_their_limits() -> None:
    """RFC 2047 section 2: 75 octets a word, 76 a line, and each word decodes by itself."""
    mail = octets(Message(to=(Address("🌸" * 60, "yuki@example.jp"),), subject="xé髙🌸" * 60))
    words = re.findall(rb"=\?utf-8\?B\?([A-Za-z0-9+/=]+)\?=", mail)
    assert all(len(word) + 12 <= 75 for word in words)
    assert all(len(line) <= 76 for line in header_lines(mail))
    for word in words:
        assert "\ufffd" not in b64decode(word).decode("utf-8")


def test_long_ascii_headers_are_folded_at_blanks() -> None:
    """RFC 5322 section 2.1.1: 78 characters where that is possible."""
    subject = "Re: my order " + "of last week  " * 12
    mail = octets(Message(to=(YUKI,) * 9, cc=(YUKI,), subject=subject.strip()))
    assert all(len(line) <= 78 for line in header_lines(mail))
    assert message_from_bytes(mail, policy=policy.default)["Subject"] == subject.strip()


def test_references_end_in_the_mail_that_is_answered() -> None:
    mail = parsed(Message(to=(YUKI,), in_reply_to="b@x", references=("a@x", "b@x", "c@x")))
    assert mail["References"] == "<a@x> <c@x> <b@x>"
    assert mail["In-Reply-To"] == "<b@x>"


def test_endless_references_keep_the_root_and_the_latest() -> None:
    chain = tuple(f"{number}@example.jp" for number in range(500))
    ids = parsed(Message(to=(YUKI,), references=chain, in_reply_to="499@example.jp"))["References"]
    assert ids.split()[0] == "<0@example.jp>"
    assert ids.split()[-2:] == ["<498@example.jp>", "<499@example.jp>"]
    assert len(ids.split()) == 21


@pytest.mark.parametrize("bad", ["a b@x", "a>\r\nX: y@x", "<a@x>", "ä@x", "", "a" * 950])
def test_a_malformed_id_is_left_out(bad: str) -> None:
    mail = parsed(Message(to=(YUKI,), in_reply_to=bad, references=(bad,)))
    assert mail["In-Reply-To"] is None
    assert mail["References"] is None


def test_a_mail_without_an_id_gets_one_of_our_host() -> None:
    """The same mail gets the same one."""
    message = Message(to=(YUKI,), text="x")
    assert parsed(message)["Message-ID"].endswith("@mx.example.com>")
    assert octets(message) == octets(message)


def test_a_naive_date_claims_no_zone() -> None:
    """RFC 5322 section 3.3: -0000 says that the zone is not known."""
    naive = NOON.replace(tzinfo=None)
    assert b"12:00:00 -0000" in compose(Message(to=(YUKI,)), SENDER, naive, "mx")
    assert b"03:00:00 +0000" in compose(Message(to=(YUKI,)), SENDER, NOON.astimezone(UTC), "mx")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Yuki Tanaka", b"To: Yuki Tanaka <yuki@example.jp>"),
        ("Tanaka, Yuki", b'To: "Tanaka, Yuki" <yuki@example.jp>'),
        ('Yuki "Y" \\o/', b'To: "Yuki \\"Y\\" \\\\o/" <yuki@example.jp>'),
        ("田中", b"To: =?utf-8?B?55Sw5Lit?= <yuki@example.jp>"),
        ("boss@example.org", b'To: "boss@example.org" <yuki@example.jp>'),
        (" \t ", b"To: yuki@example.jp"),
    ],
)
def test_display_names_are_quoted_or_encoded(name: str, written: bytes) -> None:
    assert written in header_lines(octets(Message(to=(Address(name, "yuki@example.jp"),))))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain\n", "7bit"),
        ("one long line " * 10, "quoted-printable"),
        ("Grüße aus Köln, wir sehen uns dann morgen am Bahnhof", "quoted-printable"),
        ("お問い合わせいただき、ありがとうございます。", "base64"),
        ("x" * 5000, "quoted-printable"),
        (".\n..\n.dot\nFrom me\n", "7bit"),
        ("", "7bit"),
    ],
)
def test_a_text_travels_in_the_encoding_that_suits_it(text: str, encoding: str) -> None:
    """Lines never exceed 998 octets, bodies are 7-bit, and what is read is what was written."""
    mail = octets(Message(to=(YUKI,), text=text))
    read = message_from_bytes(mail, policy=policy.default)
    assert read["Content-Transfer-Encoding"] == encoding
    assert read.get_content().replace("\r\n", "\n").rstrip("\n") == text.rstrip("\n")
    assert mail.isascii()
    assert max(map(len, mail.split(b"\r\n"))) <= 78
    assert mail.count(b"\n") == mail.count(b"\r\n") == mail.count(b"\r")


def test_controls_vanish_from_the_text_and_line_ends_become_crlf() -> None:
    mail = octets(Message(to=(YUKI,), text="a\x00b\rc\r\nd\x0be\tf"))
    assert mail.endswith(b"\r\n\r\nab\r\nc\r\nde\tf\r\n")


def test_html_comes_with_its_text() -> None:
    mail = parsed(Message(to=(YUKI,), text="返品\n", html="<p>返品</p>"))
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = (cast(EmailMessage, entity).get_content() for entity in mail.iter_parts())
    assert (plain, html) == ("返品\r\n", "<p>返品</p>\r\n")


def test_attachments_arrive_byte_for_byte_under_their_names() -> None:
    data = bytes(range(256)) * 40
    names = ("a.png", "請求書 2026年11月分(株式会社テスト)の控えです.pdf", 'q"uote.txt', "x" * 90)
    message = Message(
        to=(YUKI,), text="x", html="<b>x</b>", parts=tuple(part(data, n) for n in names)
    )
    read = parsed(message)
    assert read.get_content_type() == "multipart/mixed"
    assert [a.get_filename() for a in read.iter_attachments()] == list(names)
    assert all(a.get_content() == data for a in read.iter_attachments())
    assert max(map(len, octets(message).split(b"\r\n"))) <= 78


def test_old_mail_programs_find_the_name_too() -> None:
    """In the type's `name`, as RFC 2047 words."""
    entity = next(parsed(Message(to=(YUKI,), parts=(part(b"x", "請求書.pdf"),))).iter_attachments())
    assert entity["Content-Type"].params["name"] == "請求書.pdf"


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/mixed", "nonsense", "a/b; c=d", ""])
def test_a_type_that_base64_would_break_travels_as_octets(kind: str) -> None:
    """RFC 2046 section 5.2.1."""
    entity = next(parsed(Message(to=(YUKI,), parts=(part(b"x", "y", kind),))).iter_attachments())
    assert entity.get_content_type() == "application/octet-stream"


def test_an_inline_picture_keeps_its_content_id_and_a_path_is_no_file_name() -> None:
    picture = part(b"x", "../../etc/pa\u202esswd\\a", content_id="logo@example.com")
    entity = list(parsed(Message(to=(YUKI,), text="x", parts=(picture,))).iter_parts())[1]
    assert entity["Content-ID"] == "<logo@example.com>"
    assert entity["Content-Disposition"].content_disposition == "inline"
    assert entity.get_filename() == ".._.._etc_passwd_a"


def test_a_picture_that_the_html_shows_travels_with_it() -> None:
    """RFC 2387: mixed(alternative(plain, related(html, picture)), attachment)."""
    logo = part(b"logo", "logo.png", content_id="logo@example.com")
    lost = part(b"lost", "lost.png", content_id="lost@example.com")
    bill = part(b"bill", "請求書.pdf", "application/pdf")
    html = '<p>x</p><img src="cid:logo@example.com">'
    mail = parsed(Message(to=(YUKI,), text="x", html=html, parts=(logo, lost, bill)))
    both, *files = mail.iter_parts()
    assert [f.get_filename() for f in files] == ["lost.png", "請求書.pdf"]
    assert both.get_content_type() == "multipart/alternative"
    plain, related = cast(EmailMessage, both).iter_parts()
    assert plain.get_content_type() == "text/plain"
    assert related["Content-Type"].params["type"] == "text/html"
    page, picture = cast(EmailMessage, related).iter_parts()
    assert page.get_content_type() == "text/html"
    assert (picture["Content-ID"], picture.get_content_disposition()) == (
        "<logo@example.com>", "inline",
    )  # fmt: skip
    assert mail.get_body(("plain",)).get_content() == "x\r\n"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("address", "on_the_wire"),
    [
        ("yuki@example.jp", "yuki@example.jp"),
        ("yuki+tag@example.jp", "yuki+tag@example.jp"),
        ("foo..bar@docomo.ne.jp", '"foo..bar"@docomo.ne.jp'),
        ("foo.@ezweb.ne.jp", '"foo."@ezweb.ne.jp'),
        ('"foo..bar"@docomo.ne.jp', '"foo..bar"@docomo.ne.jp'),
        ('"a@b"@example.jp', '"a@b"@example.jp'),
        ("yuki@例え.jp", "yuki@xn--r8jz45g.jp"),
        ("用户@例え.jp", "用户@xn--r8jz45g.jp"),
        ("yuki@[192.0.2.1]", "yuki@[192.0.2.1]"),
    ],
)
def test_addresses_as_the_wire_wants_them(address: str, on_the_wire: str) -> None:
    assert wire(address) == on_the_wire


@pytest.mark.parametrize(
    "address",
    [
        "a@b\r\nRCPT TO:<v@x>",
        "a\n@example.jp",
        "a b@example.jp",
        '"a b"@example.jp',
        '"a"b"@example.jp',
        "a@exam ple.jp",
        "a@example.jp> SIZE=1",
        "a@b@example.jp",
        "a\x00@example.jp",
        "a\u2028@example.jp",
        "a\u0085b@example.jp",
        "a@example.jp\u202e",
        "\ud800@example.jp",
        "@example.jp",
        "a@",
        "a",
        "",
        "a" * 250 + "@example.jp",
        "a@" + "あ" * 100,
        "a,b@example.jp",
        "a\u3000b@example.jp",
    ],
)
def test_what_could_break_a_command_line_is_refused(address: str) -> None:
    """S04: before anything is sent."""
    with pytest.raises(Rejected) as refused:
        wire(address)
    assert refused.value.reason == "address_dead"
    with pytest.raises(Rejected):
        octets(Message(to=(Address("x", address),)))


def test_an_address_beyond_ascii_stands_in_the_header_as_it_is() -> None:
    """RFC 6532: only such a mail has octets above 127, and only in its header."""
    mail = octets(Message(to=(Address("用户", "用户@例え.jp"),), text="返品"))
    assert "<用户@xn--r8jz45g.jp>".encode() in mail.partition(b"\r\n\r\n")[0]
    assert mail.partition(b"\r\n\r\n")[2].isascii()
