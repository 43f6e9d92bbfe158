"""What the fuzzer starts from."""

from __future__ import annotations

from tests.fuzz.seeds import WORDS, seeds
from tests.normalizer.email.mail import reading


def test_every_sample_is_a_seed_and_is_read() -> None:
    mails = set(seeds())
    assert len(mails) > 250
    assert all(reading(mail).fingerprint for mail in mails)


def test_no_word_of_the_grammar_stands_twice() -> None:
    assert len(set(WORDS)) == len(WORDS)
