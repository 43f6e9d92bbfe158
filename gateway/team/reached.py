"""Pure: whom of ours a rule tells, as the file writes it: `desk@example.com`, `KIND:ID`."""

from __future__ import annotations

import re
from typing import Final

from normalizer.message import Identity

_ELSEWHERE: Final = re.compile(r"[a-z][a-z0-9]*:\S+", re.ASCII)


def is_elsewhere(written: str) -> bool:
    """Whether it names somebody on a messenger."""
    return _ELSEWHERE.fullmatch(written) is not None


def colleague(written: str) -> Identity:
    """Somebody of ours; without a kind it is a mail address."""
    return Identity.parse(written) if is_elsewhere(written) else Identity("email", written)
