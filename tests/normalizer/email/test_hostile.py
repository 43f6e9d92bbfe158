"""Whatever a mail holds it is read in bounded time and memory, and never raises.

The ids are those of the project's list of hostile cases.
"""

from __future__ import annotations

import time
import tracemalloc
from base64 import b64encode
from collections.abc import Callable

import pytest

from normalizer.message import Message
from tests.normalizer.email.mail import HEAD, reading

MIB = 1024 * 1024
# Far above what is needed and far below what a superlinear reader takes.
SECONDS = 2.0
PLAIN = HEAD + b"Content-Type: text/plain; charset=%s\r\n\r\n"
HTML = HEAD + b"Content-Type: text/html\r\n\r\n"
BASE64 = HEAD + b"Content-Transfer-Encoding: base64\r\nContent-Type: application/pdf\r\n\r\n"
DAEMON = b"From: MAILER-DAEMON@x.example\r\nSubject: Undelivered mail\r\n\r\n"


def _nested(depth: int) -> bytes:
    levels = (
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (i, i) for i in range(depth)
    )
    return HEAD.replace(b"\r\n", b"\n") + b"".join(levels) + b"\ninnermost\n"


def _filled(head: bytes, unit: bytes, size: int = 4 * MIB) -> bytes:
    return head + unit * (size // len(unit))


CASES: dict[str, Callable[[], bytes]] = {
    "B01-nested-1000": lambda: _nested(1000),
    "B01-nested-10000": lambda: _nested(10_000),
    "B01-nested-rfc822": lambda: HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 1500,
    "B01-empty-parts": lambda: _filled(HEAD + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n", b"--B\r\n\r\n\r\n"),
    "B01-almost-boundaries": lambda: _filled(HEAD + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n", b"--Bx\r\n"),
    "B03-parameters": lambda: HEAD + b"Content-Type: text/plain" + b"".join(b";\r\n a*%d*=x" % i for i in range(16_000)) + b"\r\n\r\nhi",
    "B03-semicolons": lambda: HEAD + b"Content-Type: text/plain; boundary=" + b";" * 64_000 + b"\r\n\r\nhi",
    "B03-quotes": lambda: HEAD + b"Content-Type: text/plain" + b';a="' * 16_000 + b"\r\n\r\nhi",
    "B03-encoded-words": lambda: HEAD + b"Content-Type: text/plain" + b";a==?x?q?" * 8000 + b"\r\n\r\nhi",
    "B05-parentheses": lambda: b"From: " + b"(" * 3000 + b"\r\nTo: " + b"(" * 60_000 + b"\r\n\r\nhi",
    "B05-quote": lambda: b'From: "\r\nTo: ' + b'"a\\' * 20_000 + b"\r\n\r\nhi",
    "B05-angles": lambda: b"From: " + b"<" * 60_000 + b"\r\nTo: " + b">" * 60_000 + b"\r\n\r\nhi",
    "B05-empty-id": lambda: b"From: a@b.example\r\nMessage-ID: <>\r\n\r\nhi",
    "B05-open-id": lambda: b"From: a@b.example\r\nMessage-ID: <a@\r\n\r\nhi",
    "B05-words": lambda: b"Subject: " + b"=?utf-8?q?a?= " * 8000 + b"\r\n\r\nhi",
    "B05-half-words": lambda: b"Subject: " + b"=?utf-8?q?" * 8000 + b"\r\n\r\nhi",
    "B05-question-marks": lambda: b"Subject: =?u?q?" + b"?" * 60_000 + b"\r\n\r\nhi",
    "B05-prefixes": lambda: b"Subject: " + b"re: " * 16_000 + b"\r\n\r\nhi",
    "B05-tags": lambda: b"Subject: " + b"[a]" * 20_000 + b"\r\n\r\nhi",
    "B05-one-long-header": lambda: b"Subject: " + b"x" * (4 * MIB),
    "B05-only-headers": lambda: _filled(b"", b"a:b\r\n"),
    "B05-folds": lambda: _filled(b"Subject: x", b"\r\n x"),
    "B06-zlib": lambda: PLAIN % b"zlib" + b"x" * 1000,
    "B06-unknown": lambda: PLAIN % b"nope" + b"caf\xe9",
    "B06-utf-7": lambda: _filled(PLAIN % b"utf-7", b"+AGE-"),
    "B06-nul": lambda: PLAIN % b"\0" + b"\0" * MIB,
    "B06-idna": lambda: _filled(PLAIN % b"idna", b"x."),
    "B06-punycode": lambda: _filled(PLAIN % b"punycode", b"a-"),
    "B06-escapes": lambda: _filled(PLAIN % b"iso-2022-jp", b"\x1b$B-!\x1b(B"),
    "B06-broken-euc": lambda: _filled(PLAIN % b"euc-jp", b"\xad\xa1\xff"),
    "B06-base64-junk": lambda: _filled(BASE64, b"YQ==\r\n!\r\n"),
    "B06-uuencode": lambda: _filled(PLAIN % b"utf-8", b"begin 644 a\n"),
    "B06-uuencode-data": lambda: PLAIN % b"utf-8" + b"begin 644 a\n" + (b"M" + b"A" * 60 + b"\n") * 60_000,
    "B06-yenc": lambda: PLAIN % b"utf-8" + b"=ybegin line=128 size=9 name=a\n\xab\xcd\n=yend\n",
    "B08-tnef": lambda: HEAD + b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n\x78\x9f\x3e\x22" + bytes(range(256)) * 4096,
    "B08-smime": lambda: HEAD + b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\n" + b"\x30\x82" * 1000,
    "B15-references": lambda: HEAD + b"References: " + b"<a@b> " * 50_000 + b"\r\nIn-Reply-To: " + b"<" * 60_000 + b"\r\n\r\nhi",
    "quote-marks": lambda: _filled(PLAIN % b"utf-8", b">\n"),
    "quote-and-on": lambda: PLAIN % b"utf-8" + b"> " * 20_000 + b"\n" + b"On " * 20_000,
    "attributions": lambda: _filled(PLAIN % b"utf-8", b"On 1 Jan 2020 10:00 a@b\n"),
    "attributions-apart": lambda: _filled(PLAIN % b"utf-8", b"On 1 Jan 2020 10:00 a@b:\n\n"),
    "header-blocks": lambda: _filled(PLAIN % b"utf-8", b"From: a@b\nx\n"),
    "dashes": lambda: _filled(PLAIN % b"utf-8", b"--\n"),
    "rules": lambda: _filled(PLAIN % b"utf-8", b"==========\n"),
    "dash-line": lambda: PLAIN % b"utf-8" + b"-" * MIB + b":",
    "dash-lines": lambda: _filled(PLAIN % b"utf-8", b"-" * 200 + b":\n"),
    "mark-lines": lambda: _filled(PLAIN % b"utf-8", b"*_> |~=" * 30 + b"x:\n"),
    "word-lines": lambda: _filled(PLAIN % b"utf-8", b"on 1 " * 60 + b":\n"),
    "bounce-dashes": lambda: DAEMON + b"-" * MIB + b"\n" + (b"-" * 200 + b"x" * 60 + b"\n") * 5000,
    "colons": lambda: _filled(PLAIN % b"utf-8", b":\n"),
    "signatures": lambda: _filled(PLAIN % b"utf-8", b"Sent from my x\n\n"),
    "disclaimers": lambda: _filled(PLAIN % b"utf-8", b"this email is confidential "),
    "blank-lines": lambda: _filled(PLAIN % b"utf-8", b"\n"),
    "one-line": lambda: _filled(PLAIN % b"utf-8", b"x"),
    "flowed": lambda: _filled(HEAD + b"Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\n", b"a \r\n"),
    "html-open": lambda: _filled(HTML, b"<"),
    "html-tags": lambda: _filled(HTML, b"<a "),
    "html-divs": lambda: _filled(HTML, b"<div>"),
    "html-quotes": lambda: _filled(HTML, b"<blockquote>x"),
    "html-entities": lambda: _filled(HTML, b"&#9"),
    "html-long-entity": lambda: HTML + b"&#" + b"9" * 5000 + b";",
    "html-endless-tag": lambda: HTML + b"<div" + b"cid:" * 250_000,
    "html-comments": lambda: _filled(HTML, b"<!--"),
    "html-styles": lambda: _filled(HTML, b"<style>"),
    "bounce-addresses": lambda: _filled(DAEMON, b"<a@b.c>: user unknown "),
    "bounce-long-address": lambda: DAEMON + b"a" * 60_000 + b"@" + b"a" * 60_000,
    "bounce-empty-lines": lambda: _filled(DAEMON, b"\r\n"),
    "bounce-subject": lambda: b"From: MAILER-DAEMON@x.example\r\nSubject: " + b"deliver" * 9000 + b"\r\n\r\nhi",
    "bounce-long-field": lambda: (
        b"From: MAILER-DAEMON@x.example\r\nContent-Type: multipart/report; boundary=B\r\n\r\n"
        b"--B\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient:" + b"x" * MIB
    ),
    "bounce-codes": lambda: DAEMON + b"a.5.1" * 12_000 + b"could not " * 3000,
    "bounce-fields": lambda: _filled(
        b"From: MAILER-DAEMON@x.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=B\r\n\r\n"
        b"--B\r\nContent-Type: message/delivery-status\r\n\r\n",
        b"Final-Recipient: rfc822; a@b\r\nAction: failed\r\n\r\n",
    ),
    "carriage-returns": lambda: b"\r" * MIB,
    "nothing": lambda: b"",
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_mail_is_read_in_bounded_time(name: str) -> None:
    raw = CASES[name]()
    started = time.process_time()
    message = reading(raw)
    assert time.process_time() - started < SECONDS
    assert isinstance(message, Message)
    assert message.fingerprint


@pytest.mark.parametrize(
    "raw",
    [
        _filled(PLAIN % b"utf-8", b"\xe3\x81\x82\r\n", 25 * MIB),
        _filled(BASE64, b64encode(bytes(57)) + b"\r\n", 25 * MIB),
        _nested(60) + b"x" * (25 * MIB),
    ],
    ids=["text", "attachment", "nested"],
)
def test_the_largest_mail_fits_into_its_worker(raw: bytes) -> None:
    tracemalloc.start()
    started = time.process_time()
    reading(raw)
    seconds = time.process_time() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < SECONDS
    assert peak < 150 * MIB


def test_b01_text_is_read_up_to_the_cap() -> None:
    message = reading(_nested(40))
    assert message.text.strip() == "innermost"
    assert "deep-nesting" in reading(_nested(60)).defects


def test_b01_parts_beyond_the_cap_are_told() -> None:
    message = reading(CASES["B01-empty-parts"]())
    assert "too-many-parts" in message.defects
    assert len(message.parts) <= 1000


def test_b08_unreadable_containers_are_kept_as_they_are() -> None:
    (part,) = reading(CASES["B08-tnef"]()).parts
    assert part.filename == "winmail.dat"
    assert part.size == 4 + 256 * 4096


def test_b15_references_keep_the_last_fifty() -> None:
    ids = b" ".join(b"<%d@x>" % i for i in range(50_000))[:60_000]
    references = reading(HEAD + b"References: " + ids + b"\r\n\r\nhi").references
    assert len(references) == 50


def test_l04_b06_what_cannot_be_decoded_is_still_attached() -> None:
    (part,) = reading(BASE64 + b"YWJj\r\n!!!\r\nZA=\r\n").parts
    assert isinstance(part.data, bytes)
    assert part.data.startswith(b"abc")


@pytest.mark.parametrize(
    "subject",
    ["a\u2028b", "a\u0085b", "a\x0bb\x0c", "a\0b", "=?utf-8?q?a=0D=0ABcc:_x@y.example?="],
)
def test_s03_a_subject_is_one_line(subject: str) -> None:
    shown = reading(b"Subject: " + subject.encode() + b"\r\n\r\nhi").subject
    assert shown.splitlines() in ([shown], [])
    assert "\0" not in shown


def test_s03_a_huge_subject_is_bounded() -> None:
    assert len(reading(b"Subject: " + b"x" * 100_000 + b"\r\n\r\nhi").subject) <= 64 * 1024


@pytest.mark.parametrize(
    "header",
    [
        b"From: a@b@c.example",
        b"From: <@>",
        b"From: a@b.example\r\nFrom: c@d.example",
        b"From: a@b.example, c@d.example",
        b"From: <a@b.example> <c@d.example>",
        b"From: a@b.example <c@d.example> <e@f.example>",
        b'From: "a@b.example',
        b"From: (a@b.example",
        b"From: friends: a@b.example;",
        b"From: a b@c.example",
        b"From: =?utf-8?q?a=40b=2Eexample?=",
        b"From: undisclosed-recipients:;",
        b"From: \x00a@b.example",
        b"Subject: none",
    ],
)
def test_s07_an_ambiguous_from_claims_nobody(header: bytes) -> None:
    message = reading(header + b"\r\n\r\nhi")
    assert [claim for claim in message.claims if claim.source == "from"] == []


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (b'From: "ceo@corp.example" <evil@x.example>', "evil@x.example"),
        (b"From: ceo@corp.example<evil@x.example>", "evil@x.example"),
        (b"From: =?utf-8?q?ceo=40corp=2Eexample=2C?= <evil@x.example>", "evil@x.example"),
        (b"From: (ceo@corp.example) evil@x.example", "evil@x.example"),
        (b"From: Yuki <YUKI@Example.JP>", "yuki@example.jp"),
        (b"From: foo..bar.@docomo.ne.jp", "foo..bar.@docomo.ne.jp"),
    ],
)
def test_s08_the_address_is_the_real_one_whatever_the_name_says(
    header: bytes, address: str
) -> None:
    (claim,) = reading(header + b"\r\n\r\nhi").claims
    assert claim.identity.address == address


@pytest.mark.parametrize(
    "date",
    [
        b"Mon, 1 Jan 0000 00:00:00 +0000",
        b"Mon, 1 Jan 99999 00:00:00 +0000",
        b"Mon, 32 Jan 2026 00:00:00 +0000",
        b"Mon, 1 Jan 2026 25:61:61 +0000",
        b"Fri, 1 Jan 0001 00:00:00 +1400",
        b"Fri, 31 Dec 9999 23:59:59 -1200",
        b"",
        b"yesterday",
        b"1 " * 30_000,
    ],
)
def test_t06_a_date_that_cannot_be_is_none(date: bytes) -> None:
    assert reading(b"Date: " + date + b"\r\n\r\nhi").date is None


def test_t06_an_old_date_and_a_bad_zone_are_still_dates() -> None:
    old = reading(b"Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n\r\nhi").date
    odd = reading(b"Date: Mon, 5 Jan 2026 10:00:00 +9999\r\n\r\nhi").date
    assert old is not None
    assert old.year == 1970
    assert odd is not None
    assert odd.utcoffset() is not None
