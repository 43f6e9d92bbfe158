"""Thanks, and what only begins with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizer.thanks import is_thanks


@pytest.mark.parametrize(
    "text",
    [
        "ありがとう",
        "ありがとうございました!!",
        "ありがとうございます😊🙏",
        "早速のご対応ありがとうございました。",
        "届きました、ありがとうございます。\n助かりました",
        "了解です。どうもありがとう",
        "Thanks!",
        "Thank you so much 🙂",
        "ok, great - thanks for your quick reply",
        "Thank you. It works now.",
    ],
)
def test_thanks_are_known(text: str) -> None:
    assert is_thanks(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "😊",
        "ありがとうございます。まだ届きません。",
        "ありがとうございます。いつ届きますか?",
        "ありがとう、キャンセルしてください",
        "届きました",
        "Thanks for nothing",
        "Thank you, but it is still broken",
        "thanks?",
        "No thanks",
        "解決していません。ありがとう",
        "thanks " * 20,
    ],
)
def test_more_than_thanks_is_more(text: str) -> None:
    assert not is_thanks(text)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    is_thanks(text)
