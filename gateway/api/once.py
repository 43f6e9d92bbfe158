"""What is made when somebody first asks for it, in a thread, and then kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """`await once()`: all who ask meanwhile wait for the same; who asks after a failure tries again."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        if self._made is None or (self._made.done() and self._made.exception()):
            self._made = asyncio.ensure_future(asyncio.to_thread(self._make))
        return await asyncio.shield(self._made)
