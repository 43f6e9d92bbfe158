"""How many of the month's pushes are used: LINE's count, and our own since."""

from __future__ import annotations

from channels.base import Rejected
from channels.line.api import LineApi

_QUOTA = "/v2/bot/message/quota"


class Meter:
    """LINE counts a push once for each person it goes to, whatever number of messages is in it."""

    def __init__(self, own_limit: int) -> None:
        self._own_limit = own_limit
        self._plan = 0
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

    def ask(self) -> None:
        """Before a push. Raises Rejected when our own limit is reached; LINE sees to its own."""
        if self._own_limit and self.used >= self._own_limit:
            raise Rejected(f"monthly_limit is reached: {self._own_limit} pushes", "window")

    def count(self) -> None:
        self.used += 1
