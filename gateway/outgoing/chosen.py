"""Pure: a choice that was typed, where a channel shows its buttons as numbered lines."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from normalizer.message import Button


def numbered(buttons: Sequence[Button]) -> list[Button]:
    """Those that get a number; a score is one, and the words above ask for it."""
    return [one for one in buttons if not (one.url or one.label.isdigit())]


def chosen(text: str, buttons: Sequence[Button]) -> str:
    """The data of the button that a text names, by its number or its label; "" for none."""
    said = _bare(text)
    for number, one in enumerate(numbered(buttons), 1):
        if said in {str(number), _bare(one.label)}:
            return one.data
    return ""


def _bare(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().rstrip(".。)").casefold()
