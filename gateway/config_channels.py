"""The `[[channel]]` tables: each is read by the Settings of its kind of channel."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

import channels
from channels import base
from gateway.config_errors import Finding, any_of, close_to, refusal

_LATER = frozenset(
    {
        *("telegram", "web", "slack", "discord", "whatsapp", "messenger"),
        *("instagram", "matrix", "xmpp", "sms"),
    }
)


def settings_of(table: Any) -> type[base.Settings] | None:
    """The model of one table, by its `type`; None for a type that we do not have."""
    kind = table.get("type") if isinstance(table, dict) else None
    if not isinstance(kind, str) or kind not in channels.CHANNELS:
        return None
    found: type[base.Settings] = channels.load(kind).Settings
    return found


def channel(table: Any) -> base.Settings:
    """Read one table; ValidationError holds all that is wrong with it."""
    model = settings_of(table)
    if model:
        return model.model_validate_json(to_json(table), strict=True)
    if isinstance(table, dict):
        raise refusal([Finding(("type",), _kind(table.get("type")))])
    raise refusal([Finding((), "must be a table: [[channel]], and its keys below")])


def _kind(kind: Any) -> str:
    possible = f"possible here: {any_of(channels.CHANNELS)}"
    if kind is None:
        return f"is missing; {possible}"
    if str(kind) in _LATER:
        return f'"{kind}" is not available in this version; {possible}'
    return f"is unknown{close_to(str(kind), channels.CHANNELS) or f'; {possible}'}"
