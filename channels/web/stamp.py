"""When a page was opened, and what its browser computed since: signed by us, good for a while."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Literal

from channels.recent import Recent

_GOOD_FOR = 3600.0  # seconds; people write long letters
_USED = 50_000  # stamps remembered as used; far more than the limits let in within that time
_STAMP = re.compile(r"(\d{1,12})\.([0-9a-f]{16})\.([0-9a-f]{32})")
_NUMBER = re.compile(r"\d{1,12}")

Fault = Literal["", "early", "stale", "unproven"]


class Stamps:
    """Makes stamps and looks at them again; the key is new with each process."""

    def __init__(self, bits: int, fill_time: float) -> None:
        self.bits = bits
        self._fill_time = fill_time
        self._key = secrets.token_bytes(32)
        self._used: Recent[str, None] = Recent(_USED)

    def make(self, now: float) -> str:
        """`now` counts seconds, on whatever clock `fault` is asked by."""
        said = f"{int(now * 1000)}.{secrets.token_hex(8)}"
        return f"{said}.{self._sign(said)}"

    def opened(self, stamp: str, now: float) -> Fault:
        """Whether a form was filled in by hand; a stamp that is not ours says nothing."""
        age = self._age(stamp, now)
        return "early" if age is not None and age < self._fill_time else ""

    def proven(self, proof: str, now: float) -> Fault:
        """Whether the work was done, "STAMP:NUMBER"; the stamp then counts no more."""
        stamp, _, number = proof.partition(":")
        age = self._age(stamp, now)
        if age is None or age > _GOOD_FOR or stamp in self._used:
            return "stale"
        if not _NUMBER.fullmatch(number) or zeros(proof) < self.bits:
            return "unproven"
        self._used[stamp] = None
        return ""

    def _age(self, stamp: str, now: float) -> float | None:
        match = _STAMP.fullmatch(stamp)
        if match is None:
            return None
        said = f"{match[1]}.{match[2]}"
        is_ours = hmac.compare_digest(self._sign(said), match[3])
        return now - int(match[1]) / 1000 if is_ours else None

    def _sign(self, said: str) -> str:
        return hmac.new(self._key, said.encode(), hashlib.sha256).hexdigest()[:32]


def zeros(text: str) -> int:
    """How many bits of its SHA-256 are 0 before the first 1."""
    digest = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    return 256 - digest.bit_length()
