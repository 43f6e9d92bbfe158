"""Pure: how many segments a text message is charged as (3GPP TS 23.038, TS 23.040)."""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # an escape before each: two septets
_GSM = (160, 153)  # septets in one segment alone, and in one of several (TS 23.040, 9.2.3.24.1)
_UCS2 = (70, 67)  # UTF-16 code units


def is_gsm(text: str) -> bool:
    """Whether the 7-bit alphabet has every character; one that it lacks makes all of it UCS-2."""
    return _BASIC.union(_EXTENDED).issuperset(text)


def segments(text: str) -> int:
    """What a text is charged as; nothing is one segment, too."""
    if is_gsm(text):
        return _count([2 if character in _EXTENDED else 1 for character in text], *_GSM)
    return _count([2 if character > "\uffff" else 1 for character in text], *_UCS2)


def _count(widths: list[int], alone: int, of_several: int) -> int:
    """A character of two units is never parted, so a segment may end one unit early."""
    if sum(widths) <= alone:
        return 1
    count, left = 1, of_several
    for width in widths:
        if width > left:
            count, left = count + 1, of_several
        left -= width
    return count
