"""Long texts, in the pieces that a channel takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.cut import Unit, cut, size


def test_a_short_text_stays_whole() -> None:
    assert cut("Hello\n\nYuki", 4096) == ["Hello\n\nYuki"]
    assert cut("x" * 9999, 0) == ["x" * 9999]
    assert cut(" \n", 10) == []


def test_it_is_cut_between_paragraphs_before_it_is_cut_in_them() -> None:
    assert cut("aaaa. aaaa\n\nbbbb. bb", 16) == ["aaaa. aaaa", "bbbb. bb"]
    assert cut("aaaa. aaaa\nbbbb. bb", 16) == ["aaaa. aaaa", "bbbb. bb"]


def test_it_is_cut_behind_sentences_and_words() -> None:
    assert cut("承りました。少々お待ちください。", 10) == ["承りました。", "少々お待ちください。"]
    assert cut("「承りました。」と言う", 9) == ["「承りました。」", "と言う"]
    assert cut("We have it. Please wait", 14) == ["We have it.", "Please wait"]
    assert cut("one two three", 7) == ["one two", "three"]


@pytest.mark.parametrize(
    ("unit", "most"), [("utf-16", 4), ("octets", 8), ("characters", 4)], ids=str
)
def test_each_channel_counts_in_its_own_way(unit: Unit, most: int) -> None:
    pieces = cut("🙂🙂🙂🙂🙂", most, unit)
    assert "".join(pieces) == "🙂🙂🙂🙂🙂"
    assert next(size(piece, unit) for piece in pieces) == most


def test_an_address_stays_in_one_piece_if_it_fits_into_one() -> None:
    url = "https://shop.example/track?parcel=4711!yes"
    assert cut(f"See {url} please", 44) == ["See", f"{url}", "please"]
    assert cut(f"こちらは{url}です。", 44) == ["こちらは", f"{url}です"[:44], "。"]
    assert cut(url, 30) == [url[:30], url[30:]]


@pytest.mark.parametrize(
    "one",
    ["👨‍👩‍👧‍👦", "🇯🇵", "👍🏽", "が", "e\u0301\u0323", "\u1100\u1161\u11a8", "क्षि", "กำ", "ｶﾞ", "❤️",
     "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "\r\n."],
)  # fmt: skip
def test_what_is_seen_as_one_character_is_never_parted(one: str) -> None:
    for before in range(1, 8):
        pieces = cut("x" * before + one * 3, 9)
        assert all("x" not in piece.lstrip("x") for piece in pieces)
        whole = one.strip()
        assert "".join(pieces).count(whole) == 3
        assert sum(piece.count(whole) for piece in pieces) == 3


def test_what_is_longer_than_any_piece_is_parted_all_the_same() -> None:
    pieces = cut("e" + "\u0301" * 50, 20)
    assert [len(piece) for piece in pieces] == [20, 20, 11]


@given(st.text(), st.integers(4, 50), st.sampled_from(["characters", "utf-16", "octets"]))
def test_no_piece_is_too_long_and_no_word_is_lost(text: str, most: int, unit: Unit) -> None:
    pieces = cut(text, most, unit)
    assert all(0 < size(piece, unit) <= most for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_a_very_long_text_takes_no_longer_than_it_is_long() -> None:
    pieces = cut("すもももももももものうち" * 100_000, 4096, "utf-16")
    assert sum(map(len, pieces)) == 1_200_000
