"""The seam to what was said, for channels whose peers come to fetch it."""

from __future__ import annotations

from typing import Protocol

from normalizer.message import Identity, Spooled
from normalizer.said import Said


class Inbox(Protocol):
    """What was said on one channel; it survives the process.

    `send` of such a channel may return at once: from the moment in which a message is handed to it,
    `said` tells it. Either verb may raise whatever a store raises that does not answer.
    """

    async def said(self, to: Identity, /) -> tuple[Said, ...]:
        """What somebody and we said to each other here lately, the oldest first; nobody else's."""
        ...

    async def octets(self, sha256: str, /) -> bytes | Spooled | None:
        """The bytes of a file; ask only for those that `said` named to the same person."""
        ...


class NoInbox:
    """Where nothing is stored, nothing was said."""

    def __init__(self, _: str = "") -> None:
        """As any other, for one channel."""

    async def said(self, _: Identity, /) -> tuple[Said, ...]:
        return ()

    async def octets(self, _: str, /) -> bytes | Spooled | None:
        return None
