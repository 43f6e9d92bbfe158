"""How far deliveries of several pieces came, so that a second try says nothing twice."""

from __future__ import annotations

from collections import OrderedDict

_MOST = 1000  # deliveries


class Begun:
    """The platform's ids of the pieces that were given, by key; not kept across a restart."""

    def __init__(self) -> None:
        self._given: OrderedDict[str, list[str]] = OrderedDict()

    def of(self, key: str) -> list[str]:
        """The pieces so far; add each that is given."""
        given = self._given.setdefault(key, [])
        self._given.move_to_end(key)
        while len(self._given) > _MOST:
            self._given.popitem(last=False)
        return given

    def end(self, key: str) -> None:
        """All of them are given."""
        self._given.pop(key, None)
