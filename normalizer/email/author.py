"""Who may have written: every header that names somebody, as a claim, strongest first.

From is a claim only when it names exactly one mailbox and cannot be read in two ways; else the
address that it imitates would be believed.
"""

from __future__ import annotations

from normalizer.email import address
from normalizer.email.headers import Headers, unfold
from normalizer.message import Claim, Identity

_SOURCES = (
    "from", "x-original-from", "x-original-sender", "reply-to", "sender", "resent-from",
)  # fmt: skip


def claims(headers: Headers, hints: tuple[str, ...]) -> tuple[Claim, ...]:
    found = []
    for source in _SOURCES:
        values = headers.all(source)
        # RFC 5322 section 3.6: each occurs once. Two of them are two stories.
        if len(values) == 1:
            mailbox = address.sole(unfold(values[0]), hints)
            if mailbox is not None:
                identity = Identity("email", mailbox.address.lower())
                found.append(Claim(source, identity, mailbox.name))
    return tuple(found)
