"""Twilio's API: what it is asked, and what its refusals mean."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected, Retry
from channels.platform_api import Answer, PlatformApi
from channels.sms.settings import SmsSettings
from normalizer.message import Spooled

_SOURCE = re.compile(r"(?:SM|MM)[0-9a-f]{32}/Media/ME[0-9a-f]{32}")
_MOST_SAID = 200

# Opted out; no valid number; not a mobile one; a landline; may not be reached.
_DEAD = frozenset({21610, 21211, 21217, 21614, 21635})
_OURS = frozenset({20003, 20005, 20006, 20008, 21212, 21603, 21606, 21659, 21660, 21703, 21704})
_BUSY = frozenset({20429, 14107, 63038})  # too many at once; 63038: the account's day is used up


class TwilioApi:
    """One account of Twilio."""

    def __init__(self, settings: SmsSettings) -> None:
        self._settings = settings
        self._account = f"/2010-04-01/Accounts/{settings.account_sid}"
        self.platform = PlatformApi(
            "Twilio", settings.api, auth=(settings.account_sid, settings.auth_token)
        )

    async def say(self, to: str, text: str) -> tuple[str, int]:
        """Send one text; its SID, and as how many segments Twilio counts it so far."""
        is_service = self._settings.sender.startswith("MG")
        by = "MessagingServiceSid" if is_service else "From"
        said = {
            "To": to,
            by: self._settings.sender,
            "Body": text,
            "StatusCallback": self._settings.webhook,
        }
        answer = await self.platform.call("POST", f"{self._account}/Messages.json", data=said)
        if answer.status not in {200, 201}:
            raise self._refused(answer)
        self.platform.trouble = ""
        count = str(answer.body.get("num_segments", ""))
        return str(answer.body.get("sid", "")), int(count[:4]) if count.isdecimal() else 0

    async def fetch(self, source: str, folder: Path) -> bytes | Spooled:
        """Raises DeliveryError."""
        if not _SOURCE.fullmatch(source):
            raise Rejected("that is no file of a message of Twilio")
        url = f"{self._settings.api}{self._account}/Messages/{source}"
        return await self.platform.download(url, self._settings.max_file, folder)

    async def messages(self, day: date) -> AsyncIterator[list[Mapping[str, Any]]]:
        """What went either way since a day (UTC), page by page, the newest first. Raises
        DeliveryError.
        """
        asked = {"DateSent>": day.isoformat(), "PageSize": "200"}
        if self._settings.has_number:
            asked["To"] = self._settings.sender
        page, seen = await self._told(f"{self._account}/Messages.json", asked), set[str]()
        while True:
            yield _tables(page.body.get("messages"))
            following = str(page.body.get("next_page_uri") or "")
            if not following.startswith(f"{self._account}/") or following in seen:
                return
            seen.add(following)
            page = await self._told(following)

    def is_ours(self, message: Mapping[str, Any]) -> bool:
        """An account has several senders, and each may be a channel."""
        return self._settings.sender in {message.get("to"), message.get("messaging_service_sid")}

    async def files(self, sid: str) -> list[tuple[str, str]]:
        """The addresses and the kinds of what came with a message. Raises DeliveryError."""
        page = await self._told(f"{self._account}/Messages/{sid}/Media.json")
        root = f"{self._settings.api}{self._account}/Messages/{sid}/Media"
        found = _tables(page.body.get("media_list"))
        return [(f"{root}/{one.get('sid')}", str(one.get("content_type") or "")) for one in found]

    async def account(self) -> Answer:
        """What Twilio says of the account. Raises DeliveryError."""
        return await self._told(f"{self._account}.json")

    async def number(self, number: str) -> Answer:
        """What Twilio does with a number of ours. Raises DeliveryError."""
        where = f"{self._account}/IncomingPhoneNumbers.json"
        return await self._told(where, {"PhoneNumber": number})

    async def _told(self, path: str, asked: dict[str, str] | None = None) -> Answer:
        answer = await self._asked(path, asked)
        if answer.status != 200:
            raise self._refused(answer)
        self.platform.trouble = ""
        return answer

    async def _asked(self, path: str, asked: dict[str, str] | None) -> Answer:
        """Asking twice does no harm, so that nothing is in doubt."""
        try:
            return await self.platform.call("GET", path, params=asked)
        except InDoubt as error:
            raise ChannelDown(str(error)) from error

    def _refused(self, answer: Answer) -> DeliveryError:
        error = refusal(answer)
        if isinstance(error, ChannelDown):
            self.platform.trouble = f"{error}; look at account_sid, auth_token and sender"
        return error


def _tables(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def refusal(answer: Answer) -> DeliveryError:
    """Pure: what an answer means that is no success."""
    code = answer.body.get("code")
    said = f"Twilio: {answer.status} {code or ''} {_quiet(answer)}".rstrip()
    if answer.status in {401, 403} or code in _OURS:
        return ChannelDown(said)
    if answer.status in {408, 425, 429, 503} or code in _BUSY:
        return Retry(said, answer.after)
    if answer.status >= 500:
        # Twilio's own error says that it did not send; a gateway before it does not know.
        return Retry(said, answer.after) if code else InDoubt(said)
    return Rejected(said, "address_dead" if code in _DEAD else "content")


def _quiet(answer: Answer) -> str:
    """Twilio's words without the customer's number in them."""
    return re.sub(r"\+?[0-9]{7,}", "…", str(answer.body.get("message", "")))[:_MOST_SAID]
