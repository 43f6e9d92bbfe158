"""Pure: whether a message says thank you and nothing else, in Japanese or English."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 80  # characters; more than that is a letter

_DONE = (
    r"(?:届き|直り|なおり|解決し|解決でき|わかり|分かり|承知し|承知いたし|了解し|了解いたし)ました"
)
_BEFORE = (
    rf"{_DONE}|了解です?|はい|ok|どうも|本当に|ほんとうに|誠に|大変|とても|いろいろと?|色々と?"
    r"|早速|さっそく|すぐに|迅速|素早い|ご?丁寧|ご?親切|ご?(?:対応|連絡|返信|回答|案内|説明)|お返事"
    r"|いただき|頂き|くださり|下さり|して|に|を|の|な"
)
_THANKS = (
    r"(?:ありがとう|有難う|有り難う)(?:ござい(?:ます|ました))?|感謝(?:します|いたします|しております)"
    r"|助かりました"
)
_JAPANESE = re.compile(rf"(?:{_BEFORE})*(?:{_THANKS})(?:{_THANKS}|{_BEFORE})*")
_ENGLISH = re.compile(
    r"(?:(?:ok|okay|oh|great|perfect|wonderful|cool|super|many|got it|it works|works|solved|now) )*"
    r"(?:thanks|thank you|thx|cheers)"
    r"(?: (?:thanks|thank|you|so|very|much|a|lot|ton|again|for|the|your|quick|fast|kind|help|support"
    r"|reply|answer|response|all|everything|it|works|now|ok|great|perfect))*"
)


def is_thanks(text: str) -> bool:
    """Whether nothing else is said; marks, emoji and spaces are nothing."""
    if len(text) > _LONGEST or "?" in (plain := unicodedata.normalize("NFKC", text)):
        return False
    words = re.sub(r"[\W_]+", " ", plain).strip().casefold()
    return bool(_ENGLISH.fullmatch(words) or _JAPANESE.fullmatch(words.replace(" ", "")))
