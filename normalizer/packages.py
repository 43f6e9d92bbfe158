"""What other packages add: entry points of the groups `madoguchi.channels` and `madoguchi.formats`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib import metadata


class BrokenPackage(Exception):
    """An installed package does not hold what it promises."""


def names(group: str) -> tuple[str, ...]:
    """What installed packages offer, in order."""
    from importlib import metadata  # no reader of mail needs it

    return tuple(sorted({point.name for point in metadata.entry_points(group=group)}))


def load(group: str, name: str) -> Any:
    """What stands behind a name; it is imported now. Raises BrokenPackage, which says whose it is."""
    from importlib import metadata

    found = tuple(metadata.entry_points(group=group, name=name))
    if len(found) != 1:
        whose = ", ".join(sorted(map(_package, found))) or "no package"
        raise BrokenPackage(f'"{name}" in {group} is offered by {whose}; it must be one')
    try:
        return found[0].load()
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise BrokenPackage(f"{_package(found[0])} cannot be loaded: {why}") from error


def _package(point: metadata.EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
