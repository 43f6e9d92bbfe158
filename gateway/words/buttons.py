"""Pure: the buttons below our own words, in the customer's language, by what the words are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.words.sheets import Form
from normalizer.message import Button

# Below which template which buttons stand, by their data.
_BELOW: Final[Mapping[str, tuple[str, ...]]] = {
    "acknowledgement": ("person",),
    "nudge": ("solved", "stuck"),
    "closing": ("solved", "stuck"),
}
_LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "person": {"en": "Talk to a person", "ja": "担当者と話す"},
    "solved": {"en": "It is solved", "ja": "解決した"},
    "stuck": {"en": "I still need help", "ja": "まだ困っている"},
}


def below(template: str, language: str, form: Form) -> tuple[Button, ...]:
    """The buttons of a template; a letter has none, for it is answered by a letter."""
    spoken = language.lower().partition("-")[0]
    words = _BELOW.get(template, ()) if form == "short" else ()
    return tuple(Button(_LABELS[word].get(spoken, _LABELS[word]["en"]), word) for word in words)
