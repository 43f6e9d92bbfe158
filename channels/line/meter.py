"""How many of the month's pushes are used: LINE's count, and our own since."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from channels.base import ChannelDown, DeliveryError, Rejected
from channels.line.api import LineApi

_QUOTA = "/v2/bot/message/quota"


class Meter:
    """LINE counts a push once for each person it goes to, whatever number of messages is in it."""

    def __init__(self, own_limit: int) -> None:
        self._own_limit = own_limit
        self._plan = 0
        self._going = 0
        self.used = 0

    @property
    def limit(self) -> int:
        """The lower of the plan's and our own; 0 for none."""
        return min(filter(None, (self._plan, self._own_limit)), default=0)

    async def look(self, api: LineApi) -> None:
        """Ask LINE. Raises DeliveryError."""
        quota = await api.ask(_QUOTA)
        used = await api.ask(f"{_QUOTA}/consumption")
        plan = quota.get("value") if quota.get("type") == "limited" else 0
        self._plan = plan if isinstance(plan, int) else 0
        total = used.get("totalUsage")
        self.used = total if isinstance(total, int) else self.used

    @asynccontextmanager
    async def going(self, api: LineApi) -> AsyncIterator[None]:
        """Around a push on its way, which takes room from those beside it.

        Raises Rejected when our own limit is reached; LINE sees to its own. A new month may have
        begun since the last look.
        """
        if self._is_full:
            try:
                await self.look(api)
            except DeliveryError as error:  # LINE was given nothing
                raise ChannelDown(str(error)) from error
        if self._is_full:
            raise Rejected(f"monthly_limit is reached: {self._own_limit} pushes", "window")
        self._going += 1
        try:
            yield
        finally:
            self._going -= 1

    @property
    def _is_full(self) -> bool:
        return 0 < self._own_limit <= self.used + self._going

    def count(self) -> None:
        self.used += 1
