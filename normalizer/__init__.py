"""Bytes in, Message out: pure, total, the same for every channel."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from normalizer import packages
from normalizer.message import Envelope, Message

Reader = Callable[[Envelope], tuple[Message, ...]]

FORMATS = {
    "rfc5322": "normalizer.email:read",
    "http": "normalizer.generic:read",
    "line": "normalizer.line:read",
    "matrix": "normalizer.matrix:read",
    "slack": "normalizer.slack:read",
    "telegram": "normalizer.telegram:read",
    "sms": "normalizer.sms:read",
    "whatsapp": "normalizer.whatsapp:read",
    "web": "normalizer.web:read",
}


@cache
def reader(name: str) -> Reader:
    """The reader of a format, ours or a package's, imported now. Raises BrokenPackage."""
    module, _, function = FORMATS.get(name, "").partition(":")
    found: Reader = (
        getattr(import_module(module), function)
        if module
        else packages.load("madoguchi.formats", name)
    )
    return found


def normalize(envelope: Envelope) -> tuple[Message, ...]:
    """Read an envelope; never raises: what cannot be read becomes one quarantined Message."""
    try:
        return reader(envelope.format)(envelope)
    except Exception as error:  # the seam's promise: a defect of a reader never loses a message
        return (Message(unreadable=f"{type(error).__name__} while reading {envelope.format}"),)
