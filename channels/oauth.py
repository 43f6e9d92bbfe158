"""A channel's log-in with OAuth2: an access token whenever one is needed, refreshed in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from channels.oauth_endpoint import LoginNeeded, NotNow, Refusal, post
from channels.oauth_file import GrantFile
from channels.oauth_grant import Grant, Health, NotUnderstood, granted, health
from channels.oauth_settings import OAuth
from channels.pause import LONGEST

_FIRST_PAUSE = timedelta(seconds=5)  # after a failure that passes; doubled up to …
_LONGEST_PAUSE = timedelta(minutes=5)

Post = Callable[[str, Mapping[str, str]], dict[str, Any]]


def _now() -> datetime:
    return datetime.now(UTC)


class Login:
    """The tokens of one channel, for any thread of any process that has its file.

    The file is the truth and its lock the only one: the mailbox's thread, mail out and
    `madoguchi check` may all ask at once, and one of them refreshes. What the provider gives is
    saved before anybody uses it, as it may have made the token before worthless.
    """

    def __init__(
        self,
        settings: OAuth,
        channel: str,
        folder: Path,
        *,
        clock: Callable[[], datetime] = _now,
        ask: Post = post,
        failpoint: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.settings = settings
        self.channel = channel
        self._file = GrantFile(folder, channel)
        self._clock = clock
        self._ask = ask
        self._failpoint = failpoint
        self._grant: Grant | None = None
        self._failures = 0
        self._pause_ends: datetime | None = None
        self._replacement = ""

    def access(self, refused: str = "") -> str:
        """A good access token; `refused` is one that a server did not take. Blocks.

        Raises LoginNeeded when a person has to act, NotNow when it is worth trying later.
        """
        grant = self._grant
        if grant and grant.access != refused and grant.is_fresh(self._clock()):
            return grant.access
        self._grant = None  # whatever comes of this, what we knew is no good any more
        with self._file.alone():
            grant = self._file.load()
            if grant is None:
                raise LoginNeeded(self.health().text)
            if grant.access == refused or not grant.is_fresh(self._clock()):
                grant = self._refreshed(grant, refused)
            self._grant = grant
        if refused:
            self._replacement = grant.access
        return grant.access

    async def access_soon(self, refused: str = "") -> str:
        """As `access`, without blocking the loop."""
        return await asyncio.to_thread(self.access, refused)

    def is_replacement(self, token: str) -> bool:
        """Whether this token came for a refused one, and nobody has taken it since.

        If it is refused as well, a third would not help.
        """
        return token == self._replacement

    def worked(self) -> None:
        """A server took the token."""
        self._replacement = ""

    def keep(self, reply: Mapping[str, Any]) -> None:
        """A person has logged in: what the provider gave. Raises NotUnderstood, OSError."""
        grant = granted(reply, self._clock(), self.settings.known.idle)
        with self._file.alone():
            self._file.save(grant)
        self._grant = grant

    def health(self) -> Health:
        """How the log-in is doing, from its file: nothing is asked."""
        return health(self._file.load(), self.channel, self._clock())

    def _refreshed(self, grant: Grant, refused: str) -> Grant:
        """Called alone: a new grant, saved. A good token outlives a provider that is away."""
        try:
            fresh = self._asked(grant)
        except NotNow:
            if grant.access != refused and self._clock() < grant.ends_at:
                return grant
            raise
        self._file.save(fresh)
        return fresh

    def _asked(self, grant: Grant) -> Grant:
        now = self._clock()
        if not grant.may_try(now) or not grant.refresh:
            raise LoginNeeded(health(grant, self.channel, now).text)
        # Nobody pauses longer than this; a clock that was set back must not make it so.
        if self._pause_ends and self._pause_ends - LONGEST <= now < self._pause_ends:
            raise NotNow(f"the log-in is not renewed before {self._pause_ends:%H:%M:%S} UTC")
        try:
            reply = self._ask(self.settings.known.token, self._form(grant))
            self._failpoint("O1")
            fresh = granted(reply, self._clock(), self.settings.known.idle, grant)
        except Refusal as refusal:
            self._file.save(dead := grant.refuse(str(refusal), now))
            raise LoginNeeded(health(dead, self.channel, now).text) from refusal
        except (NotNow, NotUnderstood) as error:
            raise self._later(error) from error
        self._failures, self._pause_ends = 0, None
        return fresh

    def _later(self, error: Exception) -> NotNow:
        asked = getattr(error, "after", None) or timedelta(0)
        pause = max(asked, min(_FIRST_PAUSE * 2**self._failures, _LONGEST_PAUSE))
        self._failures = min(self._failures + 1, 10)
        self._pause_ends = self._clock() + pause
        return NotNow(str(error), pause)

    def _form(self, grant: Grant) -> dict[str, str]:
        """RFC 6749 section 6; Microsoft wants the scope again."""
        secret = self.settings.client_secret
        return {
            "grant_type": "refresh_token",
            "refresh_token": grant.refresh,
            "client_id": self.settings.client_id,
            "scope": self.settings.known.scope,
        } | ({"client_secret": secret} if secret else {})
