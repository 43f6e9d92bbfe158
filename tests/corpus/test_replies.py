"""What the customer wrote this time is found whatever mail program was used, and never cut."""

from __future__ import annotations

import pytest

from tests.corpus import replies_ja, replies_west
from tests.corpus.clients import write
from tests.normalizer.email.mail import reading


def _plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("sample", replies_ja.REPLIES, ids=lambda sample: str(sample[0]))
def test_a_japanese_reply_shows_the_new_words_only(sample: tuple[str, str, str]) -> None:
    _, client, below = sample
    text = f"{replies_ja.NEW}\n\n{below}\n"
    message = reading(write(text, client=client, subject="Re: お届けについて", name="山田花子"))
    assert _plain(message.reply_text) == _plain(replies_ja.NEW)
    assert message.language == "ja"
    assert message.from_[0].name == "山田花子"


@pytest.mark.parametrize("sample", replies_west.REPLIES, ids=lambda sample: str(sample[0]))
def test_a_reply_shows_the_new_words_only(sample: tuple[str, str, str, str]) -> None:
    _, client, new, below = sample
    message = reading(write(f"{new}\n\n{below}\n", client=client))
    assert _plain(message.reply_text) == _plain(new)


@pytest.mark.parametrize("sample", replies_west.KEPT, ids=lambda sample: str(sample[0]))
def test_words_in_unusual_places_are_kept(sample: tuple[str, str]) -> None:
    message = reading(write(sample[1] + "\n", subject="A question"))
    assert _plain(message.reply_text) == _plain(sample[1])


@pytest.mark.parametrize("sample", replies_west.INLINE, ids=lambda sample: str(sample[0]))
def test_answers_between_quotations_are_shown_without_them(
    sample: tuple[str, str, tuple[str, ...], tuple[str, ...]],
) -> None:
    _, text, answers, questions = sample
    shown = reading(write(text)).reply_text
    assert all(answer in shown for answer in answers)
    assert not any(question in shown for question in questions)


@pytest.mark.parametrize("sample", replies_west.REPLIES, ids=lambda sample: str(sample[0]))
def test_spans_cover_the_whole_text_without_gap(sample: tuple[str, str, str, str]) -> None:
    _, client, new, below = sample
    message = reading(write(f"{new}\n\n{below}\n", client=client))
    assert "".join(message.text[s.start : s.end] for s in message.spans) == message.text
