"""LINE's API: one request, and what its refusal means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from channels.line.settings import LineSettings

PATIENCE = httpx.Timeout(30.0, connect=10.0)  # seconds
_MOST_SAID = 200


class Answer(NamedTuple):
    """A status, what LINE says beside it, and for how long it wants to be left alone."""

    status: int
    body: Mapping[str, Any]
    after: timedelta | None = None

    @property
    def said(self) -> str:
        """LINE's own words, which name no customer."""
        return f"{self.status} {str(self.body.get('message', ''))[:_MOST_SAID]}".strip()

    @property
    def sent_id(self) -> str:
        """LINE's id of the first message that was sent, as a quotation of it names it."""
        sent = self.body.get("sentMessages")
        first = sent[0] if isinstance(sent, list) and sent else None
        id_ = first.get("id") if isinstance(first, dict) else None
        return f"line:{id_}" if id_ else ""


class LineApi:
    """Requests with our token; `heard_at` is when LINE last answered, `trouble` what a person has
    to see to.
    """

    def __init__(self, settings: LineSettings) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {settings.access_token}"},
            timeout=PATIENCE,
            follow_redirects=False,
        )
        self.heard_at: datetime | None = None
        self.trouble = ""

    async def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; any status is an answer. Raises ChannelDown if LINE never got it, else
        InDoubt.
        """
        url = self._settings.api + path
        try:
            reply = await self._client.request(method, url, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise _lost(error) from error
        answer = Answer(reply.status_code, _table(reply), _after(reply))
        self._note(answer)
        return answer

    async def ask(self, path: str) -> Mapping[str, Any]:
        """What LINE tells. Raises DeliveryError."""
        answer = await self.call("GET", path)
        if answer.status != 200:
            raise refusal(answer)
        return answer.body

    @asynccontextmanager
    async def content(self, source: str) -> AsyncIterator[httpx.Response]:
        """The octets of a file that a customer sent. Raises DeliveryError."""
        url = f"{self._settings.data_api}/v2/bot/message/{source}/content"
        try:
            async with self._client.stream("GET", url) as reply:
                yield reply
        except httpx.HTTPError as error:
            raise ChannelDown(f"LINE does not answer: {type(error).__name__}") from error

    async def close(self) -> None:
        await self._client.aclose()

    def _note(self, answer: Answer) -> None:
        if answer.status in {401, 403}:
            self.trouble = f"LINE refuses access_token ({answer.said}); issue a new one"
        elif answer.status < 500:
            self.heard_at, self.trouble = datetime.now(UTC), ""


def refusal(answer: Answer) -> DeliveryError:
    """Pure: what a status means that is not success, for a request that is safe to repeat."""
    said = f"LINE: {answer.said}"
    message = answer.said.lower()
    if answer.status in {401, 403}:
        return ChannelDown(said)
    if answer.status == 429:
        # A month that is used up does not end soon: somebody else has to carry the message.
        return Rejected(said, "window") if "monthly" in message else Retry(said, answer.after)
    if answer.status >= 500 or answer.status == 408:
        return Retry(said, answer.after)
    if answer.status == 404 or "failed to send messages" in message or "'to'" in message:
        return Rejected(said, "address_dead")
    return Rejected(said)


def _lost(error: httpx.HTTPError) -> DeliveryError:
    said = f"LINE does not answer: {type(error).__name__}"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return ChannelDown(said)
    return InDoubt(said)


def _table(reply: httpx.Response) -> Mapping[str, Any]:
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _after(reply: httpx.Response) -> timedelta | None:
    seconds = reply.headers.get("retry-after", "")
    return timedelta(seconds=min(int(seconds), 3600)) if seconds.isdecimal() else None
