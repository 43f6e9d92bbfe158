"""The Cloud API: what it is asked, and what its refusals mean."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from channels.enclosed import octets
from channels.platform_api import Answer, PlatformApi
from channels.whatsapp.settings import WhatsAppSettings
from normalizer.message import Part, Spooled

_MEDIA = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MOST_SAID = 200

_DEAD = frozenset({131026})
# The window; and that its template is not there, is paused, or does not take these words.
_CLOSED = frozenset({131047, 132000, 132001, 132005, 132007, 132012, 132015, 132016})
# Too many: of the app, of the business, of the number, of this pair; and WhatsApp's own trouble.
_LATER = frozenset({1, 2, 4, 80007, 130429, 131000, 131016, 131048, 131056, 131057, 133004, 133016})
# The token, the permissions, the payment, the registration: a person has to see to it.
_OURS = frozenset({0, 3, 10, 190, 368, 131005, 131031, 131037, 131042, 131045, 133010})


class CloudApi:
    """One number's part of the Graph API."""

    def __init__(self, settings: WhatsAppSettings) -> None:
        self._settings = settings
        self._number = f"/{settings.version}/{settings.phone_number_id}"
        bearer = {"Authorization": f"Bearer {settings.access_token}"}
        self.platform = PlatformApi("WhatsApp", settings.api, headers=bearer)

    async def say(self, to: str, said: Mapping[str, Any], about: str, key: str) -> str:
        """Send one message; its id. `about` is the message that it answers, "" for none.

        WhatsApp gives the key back in its reports, but does not know a second try by it.
        """
        whom = {"to": to} if to.isdecimal() else {"recipient": to}
        envelope = {"messaging_product": "whatsapp", "recipient_type": "individual"}
        context = {"context": {"message_id": about}} if about else {}
        body = {**envelope, **whom, **context, **said, "biz_opaque_callback_data": key[:512]}
        answer = self._took(await self.platform.call("POST", f"{self._number}/messages", json=body))
        sent = answer.body.get("messages")
        first = sent[0] if isinstance(sent, list) and sent else None
        return str(first.get("id", "")) if isinstance(first, dict) else ""

    async def upload(self, part: Part) -> str:
        """Give WhatsApp a file; its id there. Nobody gets it yet, so that nothing is in doubt."""
        data = await asyncio.to_thread(octets, part)
        files = {"file": (part.filename or "file", data, part.content_type)}
        said = {"messaging_product": "whatsapp", "type": part.content_type}
        try:
            answer = await self.platform.call(
                "POST", f"{self._number}/media", data=said, files=files
            )
        except InDoubt as error:
            raise Retry(str(error)) from error
        return str(self._took(answer).body.get("id", ""))

    async def fetch(self, source: str, folder: Path) -> bytes | Spooled:
        """A file in two steps: where it is for a few minutes, and then itself."""
        if not _MEDIA.fullmatch(source):
            raise Rejected("that is no id of a file of WhatsApp")
        try:
            path = f"/{self._settings.version}/{source}"
            answer = await self.platform.call("GET", path)
        except InDoubt as error:  # asking twice does no harm
            raise ChannelDown(str(error)) from error
        url = str(self._took(answer).body.get("url", ""))
        if not url.startswith(("https://", f"{self._settings.api}/")):
            raise Rejected("WhatsApp does not say where the file is")
        return await self.platform.download(url, self._settings.max_file, folder)

    async def number(self) -> Mapping[str, Any]:
        """What Meta knows of the number. Raises DeliveryError."""
        asked = {"fields": "display_phone_number,verified_name,quality_rating"}
        return self._took(await self.platform.call("GET", self._number, params=asked)).body

    def _took(self, answer: Answer) -> Answer:
        if 200 <= answer.status < 300:
            self.platform.trouble = ""
            return answer
        error = refusal(answer)
        if isinstance(error, ChannelDown):
            self.platform.trouble = f"{error}; look at access_token and phone_number_id"
        raise error


def refusal(answer: Answer) -> DeliveryError:
    """Pure: what an answer means that is no success."""
    error = answer.body.get("error")
    told = error if isinstance(error, dict) else {}
    code = told.get("code")
    said = (
        f"WhatsApp: {answer.status} {code if isinstance(code, int) else ''} {_quiet(told)}".strip()
    )
    if code in _CLOSED:
        return Rejected(said, "window")
    if code in _DEAD:
        return Rejected(said, "address_dead")
    if code in _LATER or answer.status in {408, 425, 429, 503}:
        return Retry(said, answer.after)
    if code in _OURS or answer.status in {401, 403}:
        return ChannelDown(said)
    if isinstance(code, int) and 200 <= code < 300:  # a permission of the app
        return ChannelDown(said)
    if answer.status >= 500:
        # Meta's own error says that it did not send; a gateway before it does not know.
        return Retry(said, answer.after) if told else InDoubt(said)
    return Rejected(said)


def _quiet(error: Mapping[str, Any]) -> str:
    """Meta's words without the customer's number in them."""
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else ""
    return re.sub(r"\+?[0-9]{7,}", "…", str(details or error.get("message", "")))[:_MOST_SAID]
