"""Long texts, in the pieces that Telegram takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from channels.telegram_text import split, units


def test_a_short_text_stays_whole() -> None:
    assert split("Hello\n\nYuki") == ["Hello\n\nYuki"]


def test_it_breaks_between_paragraphs_before_it_breaks_in_them() -> None:
    assert split("aaaa. aaaa\n\nbbbb. bb", 16) == ["aaaa. aaaa", "bbbb. bb"]


def test_it_breaks_behind_a_japanese_sentence() -> None:
    assert split("承りました。少々お待ちください。", 10) == ["承りました。", "少々お待ちください。"]


def test_an_emoji_counts_as_two() -> None:
    assert units("🙂a") == 3
    assert split("🙂🙂🙂", 4) == ["🙂🙂", "🙂"]


@given(st.text(), st.integers(2, 50))
def test_no_piece_is_too_long_and_no_word_is_lost(text: str, most: int) -> None:
    pieces = split(text, most)
    assert all(0 < units(piece) <= most for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
