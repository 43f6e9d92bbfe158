"""The newest reply token of each user: an answer by it is free.

They are not kept across a restart: they live for a minute, and a lost one costs one push.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from channels.recent import Recent

FRESH = 50.0  # seconds; LINE promises a minute from its call, and our request takes time, too
_MOST = 10_000


class Token(NamedTuple):
    """`at` orders a user's tokens (LINE's clock), `until` is our own."""

    value: str
    at: int
    until: float


class ReplyTokens:
    """In memory, bounded; each is handed out once."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._of: Recent[str, Token] = Recent(_MOST)

    def learn(self, user: str, value: str, at: int) -> None:
        """Keep a token unless we have one of a later event: old events are delivered again."""
        known = self._of.get(user)
        if known and known.at > at and known.until > self._clock():
            return
        self.put_back(user, Token(value, at, self._clock() + FRESH))

    def take(self, user: str) -> Token | None:
        """The newest token, if it is still good; nobody else gets it."""
        token = self._of.pop(user, None)
        return token if token and token.until > self._clock() else None

    def put_back(self, user: str, token: Token) -> None:
        """A token that was not used after all, unless a newer one came meanwhile."""
        if user in self._of and self._of[user].at > token.at:
            return
        self._of[user] = token
