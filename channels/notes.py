"""A channel's past, as one that keeps its place in it needs it: trouble there is never a loss."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from channels.base import Past, Unavailable

T = TypeVar("T")


class Notes:
    """What was noted, and shall be. Every verb raises Unavailable, and nothing else."""

    def __init__(self, past: Past) -> None:
        self._past = past

    async def units(self, prefix: str, /) -> frozenset[str]:
        return await _surely(self._past.units(prefix))

    async def recall(self, name: str) -> str:
        return await _surely(self._past.recall(name))

    async def note(self, name: str, value: str) -> None:
        await _surely(self._past.note(name, value))


async def _surely(doing: Awaitable[T]) -> T:
    try:
        return await doing
    except Exception as error:
        raise Unavailable from error
