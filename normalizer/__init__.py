"""Bytes in, Message out: pure, total, the same for every channel."""

from __future__ import annotations

from collections.abc import Callable

from normalizer.email import read as read_email
from normalizer.line import read as read_line
from normalizer.message import Envelope, Message

FORMATS: dict[str, Callable[[Envelope], tuple[Message, ...]]] = {
    "rfc5322": read_email,
    "line": read_line,
}


def normalize(envelope: Envelope) -> tuple[Message, ...]:
    """Read an envelope; never raises: what cannot be read becomes one quarantined Message."""
    try:
        return FORMATS[envelope.format](envelope)
    except Exception as error:  # the seam's promise: a defect of a reader never loses a message
        return (Message(unreadable=f"{type(error).__name__} while reading {envelope.format}"),)
