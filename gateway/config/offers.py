"""By which channels customers of another one are offered to go on: what must fit there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from channels import load
from gateway.config.errors import Finding


def check(acknowledge: Any, channels: Mapping[int, Mapping[str, Any]]) -> Iterator[Finding]:
    """`[acknowledge] offer` names channels, and each of these can be opened with a link."""
    offered = acknowledge.get("offer") if isinstance(acknowledge, dict) else None
    named = {str(table.get("name")): table for table in channels.values()}
    for index, name in enumerate(offered if isinstance(offered, list) else ()):
        path = ("acknowledge", "offer", index)
        if not isinstance(name, str):
            continue
        if name not in named:
            known = ", ".join(f'"{one}"' for one in named) or "none"
            yield Finding(path, f"there is no channel {name!r}; there are: {known}")
        elif not _invites(named[name]):
            said = f"nobody can be invited to {name!r}: it lacks the name by which a link finds it"
            yield Finding(path, f"{said} (docs/links.md says which key that is), or leave it out")


def _invites(table: Mapping[str, Any]) -> bool:
    """Whether a channel has such links; one that is wrong otherwise is told of otherwise."""
    with suppress(Exception):
        settings = load(str(table["type"])).Settings.model_construct(**table)
        return bool(settings.invites("MG-A"))
    return True
