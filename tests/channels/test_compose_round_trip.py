"""Whatever we compose, the standard library reads back, for all values that people can type."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message as LegacyMail
from email.message import MIMEPart
from email.utils import getaddresses

from hypothesis import given
from hypothesis import strategies as st

from channels.mail_compose import clean, compose, wire
from normalizer.message import Address, Message, Part

ATEXT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+/=?^_`{|}~-."
VALUES = st.text(max_size=300) | st.text(
    'aé返🌸 ,"\\()<>@:;.=?_\r\n\t\u2028\u0085\u202e', max_size=300
)
TEXTS = st.text(max_size=2000) | st.text("aé返 .=-\n\r\t\x00", max_size=2000)
DOMAINS = st.sampled_from(["example.jp", "mail.example.co.jp", "例え.jp"])
ADDRESSES = st.builds("{}@{}".format, st.text(ATEXT, min_size=1, max_size=40), DOMAINS)
MAILBOXES = st.builds(Address, VALUES, ADDRESSES)
IDS = st.from_regex(r"[a-zA-Z0-9.$+_-]{1,80}@[a-z0-9.-]{1,60}", fullmatch=True)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DATES = st.builds(datetime.fromtimestamp, st.integers(100_000, 4_000_000_000), ZONES)
PARTS = st.builds(
    lambda data, name, role: Part(
        role=role,
        content_type="application/pdf",
        size=len(data),
        sha256="",
        data=data,
        filename=name,
    ),
    st.binary(max_size=500),
    VALUES,
    st.sampled_from(["attachment", "inline"]),
)
MESSAGES = st.builds(
    Message,
    kind=st.sampled_from(["acknowledgement", "follow_up", "reply"]),
    message_id=IDS,
    in_reply_to=IDS,
    references=st.lists(IDS, max_size=30).map(tuple),
    to=st.lists(MAILBOXES, min_size=1, max_size=3).map(tuple),
    cc=st.lists(MAILBOXES, max_size=3).map(tuple),
    reply_to=st.lists(MAILBOXES, max_size=1).map(tuple),
    subject=VALUES,
    text=TEXTS,
    html=TEXTS,
    parts=st.lists(PARTS, max_size=2).map(tuple),
)


def read_mailboxes(mail: LegacyMail, name: str) -> list[tuple[str, str]]:
    """policy.default loses blanks between encoded words in names, the old functions do not."""
    return [
        (str(make_header(decode_header(phrase))), address)
        for phrase, address in getaddresses(mail.get_all(name, []))
    ]


def expected(addresses: tuple[Address, ...]) -> list[tuple[str, str]]:
    return [(clean(name), wire(address)) for name, address in addresses]


def lines(text: str) -> str:
    """A text as it arrives: one kind of line end, no controls, no blank lines at its end."""
    text = re.sub("\r\n?", "\n", text)
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text).rstrip("\n")


def content(entity: MIMEPart) -> str:
    text: str = entity.get_content()
    return text.replace("\r\n", "\n").rstrip("\n")


@given(MESSAGES, MAILBOXES, DATES)
def test_what_was_said_is_what_is_read(message: Message, sender: Address, date: datetime) -> None:
    """Every header and every body."""
    octets = compose(message, sender, date, "mx.example.com")
    legacy = message_from_bytes(octets, policy=policy.compat32)
    for name, addresses in (
        ("From", (sender,)),
        ("To", message.to),
        ("Cc", message.cc),
        ("Reply-To", message.reply_to),
    ):
        assert read_mailboxes(legacy, name) == expected(addresses)
    mail = message_from_bytes(octets, policy=policy.default)
    assert mail.get("Subject", "") == clean(message.subject)
    assert mail["Date"].datetime == date
    assert mail["Message-ID"] == f"<{message.message_id}>"
    assert mail["In-Reply-To"] == f"<{message.in_reply_to}>"
    assert mail["References"].split()[-1] == f"<{message.in_reply_to}>"
    assert [part.get_content() for part in mail.iter_attachments()] == [
        part.data for part in message.parts
    ]


@given(MESSAGES)
def test_the_texts_arrive(message: Message) -> None:
    mail = message_from_bytes(compose(message, message.to[0], NOON, "mx"), policy=policy.default)
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert content(plain) == lines(message.text)
    assert (content(html) if html else "") == lines(message.html)


@given(MESSAGES)
def test_every_line_is_fit_for_the_wire(message: Message) -> None:
    """RFC 5322 section 2.1.1 and RFC 5321 section 2.3.8, and nothing beyond ASCII."""
    octets = compose(message, message.to[0], NOON, "mx")
    assert octets.isascii()
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert b"\r" not in octets.replace(b"\r\n", b"")
    assert b"\x00" not in octets
    header = octets.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(re.match(rb"[A-Za-z-]+: \S| +\S", line) for line in header)
