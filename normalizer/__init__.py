"""Bytes in, Message out: pure, total, the same for every channel."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from normalizer import packages
from normalizer.email import read as read_email
from normalizer.line import read as read_line
from normalizer.matrix import read as read_matrix
from normalizer.message import Envelope, Message
from normalizer.slack import read as read_slack
from normalizer.sms import read as read_sms
from normalizer.telegram import read as read_telegram
from normalizer.whatsapp import read as read_whatsapp

Reader = Callable[[Envelope], tuple[Message, ...]]

FORMATS: dict[str, Reader] = {
    "rfc5322": read_email,
    "line": read_line,
    "matrix": read_matrix,
    "slack": read_slack,
    "telegram": read_telegram,
    "sms": read_sms,
    "whatsapp": read_whatsapp,
}
# What brings a library along is imported by whoever reads it first.
HEAVY = {"http": "normalizer.generic:read", "web": "normalizer.web:read"}


def reader(name: str) -> Reader:
    """The reader of a format, ours or a package's. Raises BrokenPackage."""
    if name not in FORMATS:
        FORMATS[name] = _loaded(name)
    return FORMATS[name]


def _loaded(name: str) -> Reader:
    if name not in HEAVY:
        found: Reader = packages.load("madoguchi.formats", name)
        return found
    module, _, function = HEAVY[name].partition(":")
    here: Reader = getattr(import_module(module), function)
    return here


def normalize(envelope: Envelope) -> tuple[Message, ...]:
    """Read an envelope; never raises: what cannot be read becomes one quarantined Message."""
    try:
        return reader(envelope.format)(envelope)
    except Exception as error:  # the seam's promise: a defect of a reader never loses a message
        return (Message(unreadable=f"{type(error).__name__} while reading {envelope.format}"),)
