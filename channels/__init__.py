"""The ways in and out; a channel's module is imported only when it is configured."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from normalizer import packages

CHANNELS = {
    "smtp": "channels.smtp:Smtp",
    "lmtp": "channels.lmtp:Lmtp",
    "imap": "channels.imap:Imap",
    "line": "channels.line:Line",
    "http": "channels.http_channel:Http",
    "matrix": "channels.matrix:Matrix",
    "slack": "channels.slack:Slack",
    "telegram": "channels.telegram:Telegram",
    "sms": "channels.sms:Sms",
    "whatsapp": "channels.whatsapp:WhatsApp",
    "web": "channels.web:Web",
}
GROUP = "madoguchi.channels"


def kinds() -> tuple[str, ...]:
    """Every `type` that a channel may have here: our own, and those of installed packages."""
    return (*CHANNELS, *(name for name in packages.names(GROUP) if name not in CHANNELS))


def load(kind: str) -> Any:
    """The class of one kind of channel: called with (settings, host), settings its `Settings`.

    Raises BrokenPackage where a package promised it.
    """
    if place := CHANNELS.get(kind):
        module, _, name = place.partition(":")
        return getattr(import_module(module), name)
    from channels.base import Settings  # the child processes do without pydantic

    found = packages.load(GROUP, kind)
    model = getattr(found, "Settings", None)
    if not (isinstance(model, type) and issubclass(model, Settings)):
        raise packages.BrokenPackage(
            f'"{kind}" in {GROUP} is no channel: its `Settings` must be a channels.base.Settings'
        )
    return found
