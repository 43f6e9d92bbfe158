"""Unstructured header text: encoded words (RFC 2047) as written, and as the world miswrites them."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, a2b_qp
from collections.abc import Iterable

from normalizer.email import charset

# White space inside a word, `?` inside its text and a language (RFC 2231 section 5) all occur.
_WORD = re.compile(rb"=\?([!->@-~]{1,60})\?([bBqQ])\?([^?]*|(?:[^?]|\?(?!=)){0,1000})\?=")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def decode(value: bytes, hints: Iterable[str] = ()) -> str:
    """The text of an unfolded value, on one line: what would break a line is a space."""
    encoded = b"=?" in value
    text = _decode_words(value, hints) if encoded else charset.decode(value, "utf-8", hints)
    return text if text.isprintable() else _CONTROL.sub(" ", text).strip()


def _decode_words(value: bytes, hints: Iterable[str]) -> str:
    text: list[str] = []
    pending: list[bytes] = []
    label = ""
    position = 0
    for match in _WORD.finditer(value):
        gap = value[position : match.start()]
        name = match[1].decode("latin-1").partition("*")[0].lower()
        if pending and (name != label or gap.strip(b" \t")):
            text.append(charset.decode(b"".join(pending), label, hints))
            pending = []
        if gap.strip(b" \t") or (position == 0 and gap) or (not text and not pending and gap):
            text.append(charset.decode(gap, "utf-8", hints))
        # A character may be cut in two between words, so bytes are joined before decoding.
        pending.append(payload(match[2], match[3]))
        label = name
        position = match.end()
    if pending:
        text.append(charset.decode(b"".join(pending), label, hints))
    text.append(charset.decode(value[position:], "utf-8", hints))
    return "".join(text)


def payload(encoding: bytes, data: bytes) -> bytes:
    """The bytes of one encoded word; broken base64 gives what it can."""
    if encoding in b"qQ":
        return a2b_qp(data.replace(b" ", b"_"), header=True)
    try:
        return a2b_base64(data)
    except Error:
        clean = _NO_BASE64.sub(b"", data)
        return a2b_base64(clean[: len(clean) - (len(clean) % 4 == 1)] + b"===")
