"""The channel `lmtp`: mail comes in by LMTP (RFC 2033) from a mail server in front of us."""

from __future__ import annotations

from channels.smtp import Smtp


class Lmtp(Smtp):
    """SMTP's sister for local delivery: one reply per recipient after the mail."""

    _lmtp = True
