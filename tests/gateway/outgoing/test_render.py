"""What a channel cannot carry is said in another way, and never left out in silence."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from channels.cut import cut, size
from channels.limits import ANYTHING, Limits
from gateway.outgoing.render import render
from normalizer.message import Button, Message, Part

SOLVED, STUCK = Button("Solved", "solved"), Button("I still need help", "stuck")
PAGE = Button("Track it", url="https://shop.example/t")
CHAT = Limits(text=4096, unit="utf-16", buttons=8, media=("image/*",), apart=True)
TEXT_ONLY = Limits(text=160)


def part(name: str = "a.png", content_type: str = "image/png", octets: int = 3) -> Part:
    return Part(
        role="attachment", content_type=content_type, size=octets, sha256="", data=b"abc",
        filename=name,
    )  # fmt: skip


def said(text: str = "We have it.", **more: Any) -> Message:
    return Message(**{"kind": "reply", "text": text, "in_reply_to": "m-1", "language": "en"} | more)


def test_what_carries_anything_gets_it_as_it_is() -> None:
    for message in (said("two\n\nlines  \n"), said("x" * 10**5, html="<p>x</p>", parts=(part(),))):
        (only,) = render(message, ANYTHING)
        assert (only.text.rstrip(), only.html, only.parts) == (
            message.text.rstrip(), message.html, message.parts,
        )  # fmt: skip


def test_a_long_text_is_several_and_the_buttons_stand_below_the_last() -> None:
    first, last = render(said("a" * 4000 + "\n\n" + "b" * 4000, buttons=(SOLVED,)), CHAT)
    assert (first.text, last.text) == ("a" * 4000, "b" * 4000)
    assert (first.buttons, last.buttons) == ((), (SOLVED,))
    assert (first.in_reply_to, last.in_reply_to) == ("m-1", "")


def test_buttons_that_a_channel_does_not_show_are_lines() -> None:
    (only,) = render(said(buttons=(SOLVED, STUCK, PAGE)), TEXT_ONLY)
    assert only.text == (
        "We have it.\n\n1. Solved\n2. I still need help\n\nTrack it: https://shop.example/t"
    )
    assert only.buttons == ()
    many = tuple(Button(f"no. {n}", f"n:{n}") for n in range(9))
    (only,) = render(said(buttons=many), CHAT)
    assert only.text.count("\n") >= 9
    scores = tuple(Button(str(n), f"vote:{n}") for n in range(1, 6))
    (only,) = render(said(buttons=scores), TEXT_ONLY)
    assert only.text == "We have it.", "a score is asked for in words"


def test_html_says_the_choice_too() -> None:
    (only,) = render(
        said(html="<p>We have it.</p>", buttons=(Button("A & B", "a"), STUCK)), ANYTHING
    )
    assert only.html == "<p>We have it.</p><p>1. A &amp; B<br>2. I still need help</p>"


def test_a_label_that_is_too_long_is_cut() -> None:
    (only,) = render(said(buttons=(Button("Talk to a person of our team", "person"),)), CHAT)
    assert only.buttons == (Button("Talk to a person of…", "person"),)


def test_files_follow_the_text_each_by_itself() -> None:
    text, file, again = render(said(parts=(part(), part("b.png")), buttons=(SOLVED,)), CHAT)
    assert (text.text, text.parts, text.buttons) == ("We have it.", (), (SOLVED,))
    assert [one.filename for one in (*file.parts, *again.parts)] == ["a.png", "b.png"]
    assert (file.text, again.text) == ("", "")
    (alone,) = render(said("", parts=(part(),)), CHAT)
    assert (alone.text, alone.in_reply_to) == ("", "m-1")


def test_a_file_that_cannot_go_along_is_named() -> None:
    (only,) = render(said(parts=(part("a.pdf", "application/pdf"),)), CHAT)
    assert only.text == "We have it.\n\nThe file “a.pdf” cannot be sent here."
    (large,) = render(said(parts=(part(octets=9),), language="ja"), CHAT._replace(media_size=8))
    assert "「a.png」" in large.text


def test_html_alone_is_read_out_where_there_is_none() -> None:
    (only,) = render(said("", html="<p>We <b>have</b> it.</p>"), TEXT_ONLY)
    assert (only.text.strip(), only.html) == ("We have it.", "")


@given(st.text(), st.integers(8, 60), st.integers(1, 5))
def test_nothing_is_lost_and_nothing_too_long(text: str, most: int, texts: int) -> None:
    limits = Limits(text=most, unit="utf-16", texts=texts)
    deliveries = render(said(text), limits)
    for one in deliveries:
        pieces = cut(one.text, most, "utf-16")
        assert len(pieces) <= texts
        assert all(size(piece, "utf-16") <= most for piece in pieces)
    assert "".join("".join(one.text.split()) for one in deliveries) == "".join(text.split())
