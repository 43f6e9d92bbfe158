"""Slack's Web API: one request, and what its refusal means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from channels.slack.settings import SlackSettings
from normalizer.tables import table, text_of

Table = dict[str, Any]

PATIENCE = httpx.Timeout(30.0, connect=10.0)  # seconds
_LONGEST = timedelta(hours=1)  # that Slack may put us off at once

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
    """Requests with our token; `heard_at` is when Slack last answered, `trouble` what a person has
    to see to, `scopes` what the token allows.
    """

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {settings.bot_token}"},
            timeout=PATIENCE,
            # One that died while it was idle would look like one that died with our message.
            limits=httpx.Limits(max_keepalive_connections=0),
            follow_redirects=False,
        )
        self.heard_at: datetime | None = None
        self.scopes: frozenset[str] = frozenset()
        self.trouble = ""

    async def call(self, method: str, body: Table) -> Table:
        """One method with JSON. Raises DeliveryError."""
        return await self._told(self._client.build_request("POST", self._at(method), json=body))

    async def ask(self, method: str, **fields: str | int) -> Table:
        """One method that takes a form only. Raises DeliveryError."""
        return await self._told(self._client.build_request("POST", self._at(method), data=fields))

    async def put(self, url: str, data: bytes) -> None:
        """Give Slack the octets of a file, at an address that it gave us."""
        # The address is the right to use it; the token has no business there.
        reply = await self._sent(httpx.Request("POST", url, content=data))
        if reply.status_code != 200:
            raise Retry(f"Slack does not take a file: {reply.status_code}")

    @asynccontextmanager
    async def content(self, url: str) -> AsyncIterator[httpx.Response]:
        """The octets of a file. Raises DeliveryError."""
        if not url.startswith(f"{self._settings.files}/"):
            raise Rejected("the file is not at Slack")
        try:
            async with self._client.stream("GET", url) as reply:
                yield reply
        except httpx.HTTPError as error:
            raise ChannelDown(f"Slack does not answer: {type(error).__name__}") from error

    async def close(self) -> None:
        await self._client.aclose()

    def _at(self, method: str) -> str:
        return f"{self._settings.api}/{method}"

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._client.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ChannelDown(f"Slack cannot be reached: {type(error).__name__}") from error
        except httpx.HTTPError as error:
            raise InDoubt(f"Slack does not answer: {type(error).__name__}") from error

    async def _told(self, request: httpx.Request) -> Table:
        reply = await self._sent(request)
        said = _json(reply)
        if reply.status_code == 200 and said.get("ok") is True:
            self.heard_at, self.trouble = datetime.now(UTC), ""
            self.scopes = frozenset(reply.headers.get("x-oauth-scopes", "").split(",")) - {""}
            return said
        error = refusal(reply.status_code, text_of(said.get("error")), reply.headers)
        if isinstance(error, ChannelDown):
            self.trouble = f"Slack refuses us ({error}); see docs/slack.md"
        raise error


def missing(scopes: frozenset[str], *, names: bool) -> list[str]:
    """What we cannot do without; nothing where Slack does not tell."""
    return sorted((_NEEDED | ({"users:read"} if names else set())) - scopes) if scopes else []


def refusal(status: int, code: str, headers: Mapping[str, str]) -> DeliveryError:
    """Pure: what Slack does not want, and whether it ever will."""
    words = f"Slack: {status} {code[:200]}".rstrip()
    if status == 429 or code in _LATER:
        return Retry(words, _after(headers.get("retry-after", "")))
    if code in _LOCKED or status in {401, 403, 404}:
        return ChannelDown(words)
    if code in _DOUBTFUL or status >= 500:
        return InDoubt(words)
    if not code:
        return ChannelDown(words)
    return Rejected(words, "address_dead" if code in _NOBODY else "content")


def _after(seconds: str) -> timedelta | None:
    is_number = seconds.isascii() and seconds.isdecimal()
    return min(timedelta(seconds=int(seconds[:9])), _LONGEST) if is_number else None


def _json(reply: httpx.Response) -> Table:
    try:
        return table(reply.json())
    except (ValueError, RecursionError):
        return {}
