"""What people call themselves on Slack, and their language: its events carry neither."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from channels.base import DeliveryError
from channels.recent import Recent
from channels.slack.api import SlackApi
from normalizer.tables import table, text_of

_PATIENCE = 1.0  # seconds of the three that Slack waits for us; a message goes on without a name
_MOST = 10_000


class Profile(NamedTuple):
    """A display name, and a locale such as `ja-JP`; "" where Slack does not tell."""

    name: str = ""
    locale: str = ""


class People:
    """Each is asked for once; a name that changes is seen after the next start."""

    def __init__(self, api: SlackApi, *, asks: bool) -> None:
        self._api, self._asks = api, asks
        self._of: Recent[str, Profile] = Recent(_MOST)

    async def of(self, user: str) -> Profile:
        if user not in self._of:
            found = await self._asked(user) if self._asks else None
            if found is None:
                return Profile()
            self._of[user] = found
        self._of.move_to_end(user)
        return self._of[user]

    async def _asked(self, user: str) -> Profile | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                said = await self._api.ask("users.info", user=user, include_locale="true")
        except (DeliveryError, TimeoutError):
            return None
        person = table(said.get("user"))
        profile = table(person.get("profile"))
        names = (profile.get("display_name"), profile.get("real_name"), person.get("real_name"))
        return Profile(next(filter(None, map(text_of, names)), ""), text_of(person.get("locale")))
