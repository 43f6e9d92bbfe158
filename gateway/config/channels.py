"""The `[[channel]]` tables: each is read by the Settings of its kind of channel."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

import channels
from channels import base
from gateway.config.errors import Finding, any_of, close_to, refusal
from normalizer.packages import BrokenPackage

_LATER = frozenset(
    {
        *("discord", "messenger"),
        *("instagram", "xmpp"),
    }
)


def settings_of(table: Any) -> type[base.Settings] | None:
    """The model of one table, by its `type`; None for a type that we do not have."""
    kind = table.get("type") if isinstance(table, dict) else None
    if not isinstance(kind, str) or (
        kind not in channels.CHANNELS and kind not in channels.kinds()
    ):
        return None
    try:
        found: type[base.Settings] = channels.load(kind).Settings
    except BrokenPackage:
        return None  # `channel` says so
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
    offered = channels.kinds()
    possible = f"possible here: {any_of(offered)}"
    if kind is None:
        return f"is missing; {possible}"
    if kind in offered:
        return _broken(str(kind))
    if str(kind) in _LATER:
        return f'"{kind}" is not available in this version; {possible}'
    return f"is unknown{close_to(str(kind), offered) or f'; {possible}'}"


def _broken(kind: str) -> str:
    """What is wrong with the package that offers it."""
    try:
        channels.load(kind)
    except BrokenPackage as error:
        return f"{error}; install another version of the package, or take the channel out"
    return f'"{kind}" could not be loaded a moment ago; try again'
