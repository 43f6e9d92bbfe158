"""LINE's API: what it is asked, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from channels.base import ChannelDown, DeliveryError, Rejected, Retry
from channels.line.settings import LineSettings
from channels.platform_api import Answer, PlatformApi
from normalizer.message import Spooled

_MOST_SAID = 200


class LineApi:
    """One account of LINE."""

    def __init__(self, settings: LineSettings) -> None:
        self._settings = settings
        bearer = {"Authorization": f"Bearer {settings.access_token}"}
        self.platform = PlatformApi("LINE", settings.api, headers=bearer)

    async def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Any status is an answer. Raises ChannelDown if LINE never got it, else InDoubt."""
        answer = await self.platform.call(method, path, json=body, headers=headers)
        if answer.status in {401, 403}:
            self.platform.trouble = (
                f"LINE refuses access_token ({in_words(answer)}); issue a new one"
            )
        elif answer.status < 500:
            self.platform.trouble = ""
        return answer

    async def ask(self, path: str) -> Mapping[str, Any]:
        """What LINE tells. Raises DeliveryError."""
        answer = await self.call("GET", path)
        if answer.status != 200:
            raise refusal(answer)
        return answer.body

    async def fetch(self, source: str, folder: Path) -> bytes | Spooled:
        """A picture or a file that a customer sent. Raises DeliveryError."""
        if not source.isascii() or not source.isalnum():
            raise Rejected("that is no id of a message of LINE")
        url = f"{self._settings.data_api}/v2/bot/message/{source}/content"
        return await self.platform.download(url, self._settings.max_file, folder)


def in_words(answer: Answer) -> str:
    """LINE's own words, which name no customer."""
    return f"{answer.status} {str(answer.body.get('message', ''))[:_MOST_SAID]}".strip()


def sent_id(answer: Answer) -> str:
    """LINE's id of the first message that was sent, as a quotation of it names it."""
    sent = answer.body.get("sentMessages")
    first = sent[0] if isinstance(sent, list) and sent else None
    id_ = first.get("id") if isinstance(first, dict) else None
    return f"line:{id_}" if id_ else ""


def refusal(answer: Answer) -> DeliveryError:
    """Pure: what a status means that is not success, for a request that is safe to repeat."""
    said = f"LINE: {in_words(answer)}"
    message = in_words(answer).lower()
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
