"""Buttons say in the customer's language what they are for."""

from __future__ import annotations

from gateway.words.buttons import below


def test_an_acknowledgement_in_a_chat_leads_to_a_person() -> None:
    (japanese,), (english,) = (below("acknowledgement", one, "short") for one in ("ja-JP", "en"))
    assert (japanese.label, english.label) == ("担当者と話す", "Talk to a person")
    assert japanese.data == english.data == "person"
    assert below("acknowledgement", "xx", "short") == (english,)
    assert below("acknowledgement", "ja", "long") == ()
    assert below("notice", "ja", "short") == ()


def test_whoever_is_asked_can_say_that_it_is_solved_or_not() -> None:
    for template in ("nudge", "closing"):
        found = below(template, "ja", "short")
        assert [(one.label, one.data) for one in found] == [
            ("解決した", "solved"), ("まだ困っている", "stuck"),
        ]  # fmt: skip
