"""What holds for every sequence of octets that may call itself a mail."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normalizer import normalize
from normalizer.message import Message
from tests.corpus import bounces, replies_ja, replies_west, robots
from tests.corpus.clients import write
from tests.normalizer.email.mail import envelope, reading

_LINES = st.sampled_from(
    [
        b"From: a@b.example", b"From: =?utf-8?q?=E3?= <a@b.example>", b"Subject: =?iso-2022-jp?B?GyRC?=", b" folded",
        b"Content-Type: multipart/mixed; boundary=B", b"Content-Type: text/html; charset=x", b"--B", b"--B--", b"",
        b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable", b"=E3=81", b"YWJj", b"> quoted",
        b"On Mon, Jan 5, 2026 at 9:12 AM a <a@b.example> wrote:", b"-- ", b"<div>x<blockquote>", b"Final-Recipient: rfc822; a@b",
        b"Content-Type: message/delivery-status", b"Content-Disposition: attachment; filename*0*=utf-8''%E3", b"begin 644 a",
        "差出人: a@b.example".encode(), "件名: x".encode("cp932"), b"\x1b$B$\x22", b"Date: 1 Jan 2026", b"References: <a@b> <", b"\0",
    ]
)  # fmt: skip
_MAILS = st.one_of(
    st.binary(max_size=400),
    st.lists(_LINES, max_size=30).map(b"\n".join),
    st.lists(st.one_of(_LINES, st.binary(max_size=40)), max_size=20).map(b"\r\n".join),
)
_FAST = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _samples() -> list[bytes]:
    """Every kind of mail that the project wrote itself."""
    japanese = [
        write(f"{replies_ja.NEW}\n\n{below}", client=c) for _, c, below in replies_ja.REPLIES
    ]
    western = [write(f"{new}\n\n{below}", client=c) for _, c, new, below in replies_west.REPLIES]
    others = [
        str(sample[-1]).encode() for sample in (*robots.ROBOTS, *robots.PEOPLE, *bounces.BOUNCES)
    ]
    return japanese + western + others


SAMPLES = _samples()


@_FAST
@given(_MAILS)
def test_any_octets_are_read_into_one_whole_message(raw: bytes) -> None:
    message = reading(raw)
    assert "".join(message.text[s.start : s.end] for s in message.spans) == message.text
    assert "\r" not in message.text
    assert message.subject.splitlines() in ([message.subject], [])
    assert all("\n" not in name for name, _ in message.from_)
    assert pickle.loads(pickle.dumps(message)) == message


@_FAST
@given(st.lists(_LINES, max_size=30).map(b"\n".join))
def test_the_kind_of_line_end_changes_nothing(raw: bytes) -> None:
    other = reading(raw.replace(b"\n", b"\r\n"))
    here = reading(raw)
    if here.message_id:
        assert other == here
    assert other.text == here.text
    assert other.parts == here.parts


def _texts(value: object) -> Iterator[str]:
    """Every string that a message holds, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)
    elif is_dataclass(value):
        for one in fields(value):
            yield from _texts(getattr(value, one.name))


@_FAST
@given(_MAILS)
def test_every_text_can_be_stored(raw: bytes) -> None:
    """Neither half a surrogate pair nor NUL comes out: no store and no API takes them."""
    for text in _texts(reading(raw)):
        text.encode("utf-8")
        assert "\0" not in text


@pytest.mark.parametrize("seed", range(5))
def test_nul_octets_anywhere_never_come_out(seed: int) -> None:
    chance = random.Random(seed)
    for raw in SAMPLES:
        broken = bytearray(raw)
        for _ in range(1 + len(raw) // 40):
            broken[chance.randrange(len(raw))] = 0
        assert not any("\0" in text for text in _texts(reading(bytes(broken))))


@pytest.mark.parametrize("seed", range(20))
def test_a_mail_that_was_cut_off_is_still_read(seed: int) -> None:
    chance = random.Random(seed)
    for raw in SAMPLES:
        cut = raw[: chance.randrange(len(raw))]
        assert isinstance(reading(cut), Message)


@pytest.mark.parametrize("seed", range(20))
def test_a_mail_with_flipped_bits_is_still_read(seed: int) -> None:
    chance = random.Random(seed)
    for raw in SAMPLES:
        broken = bytearray(raw)
        for _ in range(1 + len(raw) // 200):
            broken[chance.randrange(len(raw))] = chance.randrange(256)
        message = reading(bytes(broken))
        message.text.encode("utf-8")


@pytest.mark.parametrize("seed", range(5))
def test_a_mail_with_shuffled_lines_is_still_read(seed: int) -> None:
    chance = random.Random(seed)
    for raw in SAMPLES:
        lines = raw.split(b"\n")
        chance.shuffle(lines)
        assert isinstance(reading(b"\n".join(lines)), Message)


def test_reading_twice_gives_the_same() -> None:
    assert all(reading(raw) == reading(raw) for raw in SAMPLES)


def test_a_defect_of_a_reader_never_loses_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> tuple[Message, ...]:
        raise RuntimeError

    monkeypatch.setitem(normalize.__globals__, "reader", lambda _: broken)
    (message,) = normalize(envelope(b"Subject: x\n\nhi"))
    assert message.unreadable
