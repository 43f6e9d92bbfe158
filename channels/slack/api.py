"""Slack's Web API: one request, and what its refusal means."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import httpx

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from channels.platform_api import Answer, PlatformApi
from channels.slack.settings import SlackSettings
from normalizer.message import Spooled
from normalizer.tables import text_of

Table = Mapping[str, Any]

# Errors of Slack's methods, by what they mean for a delivery.
_NOBODY = frozenset({
    "channel_not_found", "is_archived", "user_not_found", "users_not_found", "user_disabled",
    "user_not_visible", "not_in_channel", "cannot_dm_bot", "no_such_user", "thread_not_found",
})  # fmt: skip
_LOCKED = frozenset({
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired",
    "missing_scope", "no_permission", "ekm_access_denied", "org_login_required",
    "team_access_not_granted", "access_denied", "two_factor_setup_required",
    "not_allowed_token_type", "messages_tab_disabled",
})  # fmt: skip
_NEEDED = frozenset({"chat:write", "files:read", "im:history", "im:write"})
_LATER = frozenset({"ratelimited", "rate_limited", "service_unavailable", "team_added_to_org"})
# "It's possible some aspect of the operation succeeded before the error was raised."
_DOUBTFUL = frozenset({"fatal_error", "internal_error", "request_timeout"})


class SlackApi:
    """One app in one workspace; `scopes` is what its token allows."""

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        self.platform = PlatformApi("Slack", settings.api, auth=_Bearer(settings.bot_token))
        self.scopes: frozenset[str] = frozenset()

    async def call(self, method: str, body: Table) -> Table:
        """One method with JSON. Raises DeliveryError."""
        return self._told(await self.platform.call("POST", method, json=body))

    async def ask(self, method: str, **fields: str | int) -> Table:
        """One method that takes a form only. Raises DeliveryError."""
        return self._told(await self.platform.call("POST", method, data=fields))

    async def put(self, url: str, data: bytes) -> None:
        """Give Slack the octets of a file, at an address that it gave us."""
        # The address is the right to use it; the token has no business there.
        answer = await self.platform.call("POST", url, content=data, auth=None)
        if answer.status != 200:
            raise Retry(f"Slack does not take a file: {answer.status}")

    async def fetch(self, url: str, folder: Path) -> bytes | Spooled:
        """The octets of a file. Raises DeliveryError."""
        if not url.startswith(f"{self._settings.files}/"):
            raise Rejected("the file is not at Slack")
        async with self.platform.content(url) as reply:
            if reply.is_redirect:  # to a page where people log in
                raise ChannelDown("Slack does not show us files: the scope files:read is missing")
            return await self.platform.kept(reply, self._settings.max_file, folder)

    def _told(self, answer: Answer) -> Table:
        if answer.status == 200 and answer.body.get("ok") is True:
            self.platform.trouble = ""
            self.scopes = frozenset(answer.headers.get("x-oauth-scopes", "").split(",")) - {""}
            return answer.body
        error = refusal(answer)
        if isinstance(error, ChannelDown):
            self.platform.trouble = f"Slack refuses us ({error}); see docs/slack.md"
        raise error


class _Bearer(httpx.Auth):
    """Our token, unless a request is made without."""

    def __init__(self, token: str) -> None:
        self._value = f"Bearer {token}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._value
        yield request


def missing(scopes: frozenset[str], *, names: bool) -> list[str]:
    """What we cannot do without; nothing where Slack does not tell."""
    return sorted((_NEEDED | ({"users:read"} if names else set())) - scopes) if scopes else []


def refusal(answer: Answer) -> DeliveryError:
    """Pure: what Slack does not want, and whether it ever will."""
    status, code = answer.status, text_of(answer.body.get("error"))
    words = f"Slack: {status} {code[:200]}".rstrip()
    if status == 429 or code in _LATER:
        return Retry(words, answer.after)
    if code in _LOCKED or status in {401, 403, 404}:
        return ChannelDown(words)
    if code in _DOUBTFUL or status >= 500:
        return InDoubt(words)
    if not code:
        return ChannelDown(words)
    return Rejected(words, "address_dead" if code in _NOBODY else "content")
