"""What users call themselves on LINE: its events carry no names."""

from __future__ import annotations

import asyncio

from channels.base import DeliveryError
from channels.line.api import LineApi
from channels.recent import Recent

_PATIENCE = 1.0  # seconds that a message waits for its writer's name; it goes on without
_MOST = 10_000


class Names:
    """Each user is asked for once; a name that changes is seen after the next start."""

    def __init__(self, api: LineApi) -> None:
        self._api = api
        self._of: Recent[str, str] = Recent(_MOST)

    async def of(self, user: str) -> str:
        """The display name; "" where LINE does not tell."""
        if user not in self._of:
            try:
                async with asyncio.timeout(_PATIENCE):
                    profile = await self._api.call("GET", f"/v2/bot/profile/{user}")
            except (DeliveryError, TimeoutError):
                return ""
            if profile.status != 200:
                return ""
            self._of[user] = str(profile.body.get("displayName", ""))
        self._of.move_to_end(user)
        return self._of[user]
