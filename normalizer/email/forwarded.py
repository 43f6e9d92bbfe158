"""Who wrote the mail that somebody passes on: a claim for a person to confirm; it decides nothing.

Only the outermost mail that was passed on counts, attached or copied into the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from normalizer.email import address, attribution, transfer
from normalizer.email.headers import MAX_BLOCK, split, unfold
from normalizer.email.structure import Entity
from normalizer.message import Address, Claim, Identity, Span

MAX_LINES = 20
MAX_CHARACTERS = 4000

# What mail programs write around the address when they turn a header into text.
_LINK = re.compile(r"<mailto:[^<>\s]*>")
_BRACKETED = re.compile(r"\[(?:mailto:)?([^\[\]\s]+@[^\[\]\s]+)\]")


def claims(
    root: Entity, text: str, spans: Sequence[Span], hints: tuple[str, ...]
) -> tuple[Claim, ...]:
    """The From of the passed-on mail, if it names exactly one mailbox; one claim or none."""
    mailbox = _attached(root, hints) if root.children else None
    mailbox = mailbox or _copied(text, spans)
    if mailbox is None:
        return ()
    return (Claim("forwarded", Identity("email", mailbox.address.lower()), mailbox.name),)


def _attached(root: Entity, hints: tuple[str, ...]) -> Address | None:
    """A report returns mail (RFC 6522), and a digest collects it: nobody passes those on."""
    if root.type in {"multipart/report", "multipart/digest"}:
        return None
    entity = next((child for child in root.children if child.type == "message/rfc822"), None)
    if entity is None:
        return None
    data = entity.body[:MAX_BLOCK]
    encoding = entity.headers.ascii("content-transfer-encoding")
    headers, _, _ = split(transfer.decode(data, encoding).lstrip(b"\r\n"))
    values = headers.all("from")
    return address.sole(unfold(values[0]), hints) if len(values) == 1 else None


def _copied(text: str, spans: Sequence[Span]) -> Address | None:
    start = next((span.start for span in spans if span.label == "forwarded"), None)
    if start is None:
        return None
    for line in text[start : start + MAX_CHARACTERS].split("\n")[:MAX_LINES]:
        if writer := attribution.writer(line):
            plain = _BRACKETED.sub(r"<\1>", _LINK.sub("", writer)).replace("*", "").strip()
            return address.sole(plain.encode("utf-8", "replace"))
    return None
