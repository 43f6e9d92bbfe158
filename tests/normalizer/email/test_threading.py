"""Mails are tied together by what their programs write, and subjects lose only the marks."""

from __future__ import annotations

import pytest

from normalizer.email import threading


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Re: order", "order"),
        ("RE: AW: Antw: order", "order"),
        ("Re[2]: order", "order"),
        ("Re (3): order", "order"),
        ("SV: VS: order", "order"),
        ("Fwd: order", "order"),
        ("TR: RV: ENC: order", "order"),
        ("回复: 订单", "订单"),
        ("答复：订单", "订单"),
        ("返信: 注文", "注文"),
        ("転送: 注文", "注文"),
        ("Re: [users] order", "order"),
        ("[users] Re: order", "order"),
        ("order (fwd)", "order"),
        ("[Fwd: order]", "order"),
        ("[order]", "[order]"),
        ("order", "order"),
        ("Re:", ""),
        ("Recipe: soup", "Recipe: soup"),
        ("Research", "Research"),
        ("https://x.example", "https://x.example"),
        ("  order  ", "order"),
    ],
)
def test_a_base_subject_has_no_marks(subject: str, base: str) -> None:
    assert threading.base_subject(subject) == base


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        (b"<a@x> <b@x>", ("a@x", "b@x")),
        (b"<a@x><b@x>", ("a@x", "b@x")),
        (b"<a@x>,\t<b@x>", ("a@x", "b@x")),
        (b"<a@x> <a@x>", ("a@x",)),
        (b"<a @x>", ("a@x",)),
        (b"a@x b@x", ("a@x", "b@x")),
        (b"Your mail of <a@x> yesterday", ("a@x",)),
        (b"<a@x> <b@", ("a@x",)),
        (b"", ()),
    ],
)
def test_references_are_whole_ids(value: bytes, ids: tuple[str, ...]) -> None:
    assert threading.references(value) == ids


@pytest.mark.parametrize(
    ("value", "identity"),
    [
        (b"<a@x>", "a@x"),
        (b"a@x", "a@x"),
        (b"<a@x", "a@x"),
        (b"<>", ""),
        (b"", ""),
        (b"< a@x >", "a@x"),
    ],
)
def test_a_message_id_has_no_brackets(value: bytes, identity: str) -> None:
    assert threading.message_id(value) == identity


def test_typed_references_are_found_and_nothing_like_them() -> None:
    text = "See K7Q2-9XWD, not k7q2-9xwd, XK7Q2-9XWD, K7Q2-9XWDA, I7Q2-9XWD or 1234-5678. Also A000-0000"
    assert threading.mentions("Case B111-2222", text) == ("B111-2222", "K7Q2-9XWD", "A000-0000")


def test_at_most_ten_references_are_mentioned() -> None:
    text = " ".join(f"A{i:03d}-0000" for i in range(50))
    assert len(threading.mentions(text)) == 10
