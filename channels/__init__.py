"""The ways in and out; a channel's module is imported only when it is configured."""

from __future__ import annotations

from importlib import import_module
from typing import Any

CHANNELS = {
    "smtp": "channels.smtp:Smtp",
    "lmtp": "channels.lmtp:Lmtp",
    "imap": "channels.imap:Imap",
    "line": "channels.line:Line",
}


def load(kind: str) -> Any:
    """The class of one kind of channel: called with (settings, host), settings its `Settings`."""
    module, _, name = CHANNELS[kind].partition(":")
    return getattr(import_module(module), name)
