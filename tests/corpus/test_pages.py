"""Replies that come as HTML only are read like those that come as text."""

from __future__ import annotations

import pytest

from tests.corpus import pages
from tests.normalizer.email.mail import HEAD, reading


@pytest.mark.parametrize("sample", pages.PAGES, ids=lambda sample: str(sample[0]))
def test_a_page_shows_the_new_words_only(sample: tuple[str, str]) -> None:
    head = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    message = reading(head + sample[1].encode())
    assert " ".join(message.reply_text.split()) == pages.NEW
    assert "order number" in message.text
    assert message.html.startswith("<")
