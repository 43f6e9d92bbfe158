"""The parts of a mail find their places: text, HTML, inline, attached; none is dropped."""

from __future__ import annotations

from struct import pack

import pytest

from normalizer.email import flowed, html, tnef, transfer
from tests.normalizer.email.mail import HEAD, reading

PNG = b"Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <i1@x>\r\n"


def _multipart(kind: str, *parts: bytes, boundary: str = "B") -> bytes:
    inner = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    head = f"Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n".encode()
    return head + inner + b"--" + boundary.encode() + b"--\r\n"


TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nhello"
PAGE = b'Content-Type: text/html\r\n\r\n<p>hello <img src="cid:i1@x"></p>'
IMAGE = PNG + b"\r\nAAEC"
FILE = (
    b'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="a.pdf"\r\n\r\nPDF'
)


def test_of_alternatives_the_plain_one_is_the_text_and_both_are_kept() -> None:
    message = reading(HEAD + _multipart("alternative", TEXT, PAGE))
    assert message.text == "hello"
    assert message.html.startswith("<p>")
    assert message.parts == ()


def test_an_image_that_the_html_shows_is_inline() -> None:
    related = _multipart("related", PAGE, IMAGE, boundary="R")
    (part,) = reading(HEAD + _multipart("alternative", TEXT, related)).parts
    assert (part.role, part.content_id, part.filename) == ("inline", "i1@x", "a.png")


def test_html_alone_gives_the_text() -> None:
    assert reading(HEAD + PAGE.replace(b"hello ", b"caf&eacute; ")).text == "café"


def test_text_around_an_attachment_is_one_text() -> None:
    message = reading(HEAD + _multipart("mixed", TEXT, FILE, TEXT.replace(b"hello", b"bye")))
    assert message.text == "hello\nbye"
    assert [part.filename for part in message.parts] == ["a.pdf"]


def test_html_beside_text_is_no_lost_sentence() -> None:
    message = reading(HEAD + _multipart("mixed", TEXT, FILE, PAGE.replace(b"hello", b"and this")))
    assert message.text == "hello\nand this"


def test_a_forwarded_mail_is_an_attachment() -> None:
    mail = b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text"
    message = reading(HEAD + _multipart("mixed", TEXT, mail))
    assert message.text == "hello"
    assert message.parts[0].content_type == "message/rfc822"


def test_a_calendar_is_an_attachment() -> None:
    (part,) = reading(
        HEAD
        + _multipart("alternative", TEXT, b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR")
    ).parts
    assert part.content_type == "text/calendar"


@pytest.mark.parametrize(
    ("raw", "defect"),
    [
        (
            HEAD + b"Content-Type: multipart/mixed\r\n\r\n--B\r\n\r\nhello\r\n--B\r\n\r\n\r\n--B--",
            "missing-boundary",
        ),
        (HEAD + b"Content-Type: multipart/mixed; boundary=C\r\n\r\nhello", "missing-boundary"),
        (HEAD + _multipart("mixed", TEXT).replace(b"--B--", b""), "unclosed-multipart"),
        (HEAD + b"Content-Type: what\r\n\r\nhello", "bad-content-type"),
        (b"", "empty"),
    ],
)
def test_a_broken_structure_is_read_and_told(raw: bytes, defect: str) -> None:
    message = reading(raw)
    assert defect in message.defects
    assert "hello" in message.text or not raw


def test_a_parents_boundary_ends_a_child_that_never_closes() -> None:
    child = _multipart("alternative", TEXT, boundary="A").replace(b"--A--\r\n", b"")
    message = reading(HEAD + _multipart("mixed", child, FILE))
    assert message.text.strip() == "hello"
    assert len(message.parts) == 1


def test_a_path_in_a_file_name_is_cut_off() -> None:
    part = FILE.replace(b"a.pdf", b"../../etc/x\xe2\x80\xaefdp.exe")
    assert reading(HEAD + _multipart("mixed", TEXT, part)).parts[0].filename == "xfdp.exe"


def test_more_text_than_anybody_writes_is_kept_in_a_part() -> None:
    body = b"line\n" * 400_000
    message = reading(HEAD + b"\r\n" + body)
    assert "long-text" in message.defects
    assert len(message.text) <= 1024 * 1024
    assert message.parts[0].role == "text"
    assert message.parts[0].size == len(body)


def test_uuencoded_files_leave_the_text() -> None:
    message = reading(HEAD + b"\r\nsee file\r\nbegin 644 a.txt\r\n#86)C\r\n`\r\nend\r\nbye\r\n")
    assert message.text == "see file\nbye\n"
    assert (message.parts[0].filename, message.parts[0].data) == ("a.txt", b"abc")


def test_the_word_begin_is_no_file() -> None:
    assert reading(HEAD + b"\r\nbegin 644 words of a poem\nand more\n").parts == ()


@pytest.mark.parametrize(
    ("data", "decoded"),
    [
        (b"YWJj", b"abc"),
        (b"YW\r\nJj\r\n", b"abc"),
        (b"YWJj!!\n", b"abc"),
        (b"YWI", b"ab"),
        (b"YQ==YWJj", b"aabc"),
        (b"A", b""),
        (b"YWJjA=", b"abc"),
        (b"", b""),
    ],
)
def test_base64_gives_what_it_can(data: bytes, decoded: bytes) -> None:
    assert transfer.base64(data) == decoded


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two", "one\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<b>a</b><i>b</i>", "ab"),
        ("<style>p{}</style>a<script>x<y</script>b", "ab"),
        ("a<!-- <p>no</p> -->b", "ab"),
        ("<blockquote>old<blockquote>older</blockquote></blockquote>new", "> old\n> > older\nnew"),
        ("&lt;&amp;&#12354;&#x3042;&nbsp;&bogus;", "<&ああ\xa0&bogus;"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<ul><li>a<li>b</ul>", "* a\n* b"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("<pre>a\n  b</pre>", "a\n\xa0\xa0b"),
        ('<img alt="😀">', "😀"),
        ('<img alt="logo of us">', ""),
        ("<P>A</P>", "A"),
        ("plain", "plain"),
        ("<unclosed", "<unclosed"),
        ("&#99999999;&#0;", "&#99999999;\ufffd".replace("&#99999999;", "\ufffd9;")),
    ],
)
def test_html_becomes_the_text_that_is_seen(source: str, text: str) -> None:
    assert html.to_text(source) == text


def test_flowed_japanese_has_no_gaps() -> None:
    assert (
        flowed.unfold("これは \n続きです。\n> 引用 \n> です\n-- \n名前")
        == "これは続きです。\n> 引用です\n-- \n名前"
    )


def _tnef(*attributes: tuple[int, bytes]) -> bytes:
    body = b"".join(pack("<BHHI", 2, i, 6, len(v)) + v + b"\0\0" for i, v in attributes)
    return b"\x78\x9f\x3e\x22\x01\x00" + body


def test_files_inside_winmail_dat_are_attached_beside_it() -> None:
    name = "見積書.pdf\0".encode("utf-16-le")
    properties = b"\x1f\x00\x07\x37" + pack("<II", 1, len(name)) + name
    data = _tnef(
        (0x9002, b""),
        (0x8010, b"MITSUM~1.PDF\0"),
        (0x800F, b"PDF"),
        (0x9005, properties),
        (0x9002, b""),
        (0x8010, b"b.txt\0"),
        (0x800F, b"B"),
    )
    assert tnef.attachments(data) == [("見積書.pdf", b"PDF"), ("b.txt", b"B")]
    message = reading(HEAD + b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n" + data)
    assert [part.filename for part in message.parts] == ["winmail.dat", "見積書.pdf", "b.txt"]


def test_a_broken_winmail_dat_gives_what_stands_before_the_break() -> None:
    data = _tnef((0x9002, b""), (0x8010, b"a.txt\0"), (0x800F, b"A"), (0x800F, b"B" * 100))
    assert tnef.attachments(data[:-50]) == [("a.txt", b"A")]
    assert tnef.attachments(b"no tnef") == []
