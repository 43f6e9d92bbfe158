"""Our own keyed tokens: which message of ours an answer belongs to, and to whom that went."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

from store.known import Offered, Token

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TOKEN = re.compile(r"([0-9a-z]{1,12})\.([0-9a-z]{1,12})\.([0-9a-f]{20})\Z")


class Keys:
    """The secret that makes our Message-IDs and reply addresses unguessable.

    A token names a message of ours and its case, and is good for one address only: 80 bits of
    HMAC-SHA256 over the three (RFC 2104 section 5 allows the truncation).
    """

    def __init__(self, secret: bytes) -> None:
        self._mac = hmac.new(secret, digestmod=hashlib.sha256)

    def token(self, case_id: int, message_id: int, address: str) -> str:
        return (
            f"{_base36(message_id)}.{_base36(case_id)}.{self._sign(case_id, message_id, address)}"
        )

    def check(self, text: str, address: str) -> Token | None:
        """What a token stands for, if it was given to this very address."""
        match = _TOKEN.match(text.lower())
        if match is None:
            return None
        message_id, case_id = int(match[1], 36), int(match[2], 36)
        good = hmac.compare_digest(self._sign(case_id, message_id, address), match[3])
        return Token(case_id, message_id) if good else None

    def _sign(self, case_id: int, message_id: int, address: str) -> str:
        mac = self._mac.copy()
        mac.update(f"{case_id}.{message_id}.{address}".encode("utf-8", "surrogatepass"))
        return mac.hexdigest()[:20]


def looks_like_a_token(text: str) -> bool:
    """Whether a text is made like a token, whoever made it."""
    return _TOKEN.match(text.lower()) is not None


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


def tokens(
    keys: Keys, references: Iterable[str], recipients: Iterable[str], address: str
) -> tuple[Token, ...]:
    """The valid tokens of a message, the nearest first: reply addresses, then Message-IDs."""
    tags = (local.rpartition("+")[2] for local, _, _ in (r.rpartition("@") for r in recipients))
    # Automatic mail of ours comes back to a bounce address: robots answer the return path.
    texts = [*(tag.removeprefix("bounce-") for tag in tags), *written(references, ())]
    found = (keys.check(text, address) for text in texts if text)
    return tuple(dict.fromkeys(token for token in found if token))


def written(references: Iterable[str], recipients: Iterable[str]) -> list[str]:
    """What may be tokens in a message that a person wrote, the nearest first."""
    tags = [local.rpartition("+")[2] for local, _, _ in (r.rpartition("@") for r in recipients)]
    return tags + [reference.partition("@")[0] for reference in references]


def named(text: str) -> Offered | None:
    """Which message of ours a token names, if it is one in form; nothing is checked."""
    match = _TOKEN.match(text.lower())
    return Offered(text, int(match[1], 36)) if match else None
