"""A strict double of Twilio, and the channel `sms` before it: what it refuses, Twilio refuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from itertools import count
from typing import Any
from urllib.parse import urlencode

from channels.base import Host, Request
from channels.sms import Sms
from channels.sms.settings import SmsSettings
from channels.testing import PAUSE, Given, Told, Trouble, call, told
from normalizer.message import Address
from tests.channels.api_double import Asked, Double, Says

ACCOUNT = "AC" + "0a" * 16
TOKEN = "twilio-auth-token"  # of the double only
DESK = "+815012345678"
YUKI = "+819012345678"
PUBLIC = "https://help.example.com"
_ROOT = f"/2010-04-01/Accounts/{ACCOUNT}"
_FIELDS = {"To", "From", "MessagingServiceSid", "Body", "StatusCallback"}
_REFUSALS = {"unwanted": 21408, "gone": 21610}


class Twilio(Double):
    """What Twilio knows. `mode` makes it fail: busy, unwanted, gone, vanishes, locked, broken."""

    def __init__(self) -> None:
        super().__init__()
        self.mode = ""
        self.sent: list[dict[str, str]] = []
        self.media: dict[str, Says] = {}
        self.webhook = f"{PUBLIC}/in/sms"
        self.method = "POST"
        self.app = ""
        self.status = "active"
        self.kept: list[dict[str, Any]] = []
        self.now: datetime | None = None
        self._ids = count(1)

    def keep(self, number: int, text: str, at: datetime, **more: Any) -> None:
        """A message in Twilio's own list."""
        facts = {
            "sid": sid(number), "from": YUKI, "to": DESK, "body": text, "direction": "inbound",
            "date_sent": format_datetime(at), "num_media": "0", "account_sid": ACCOUNT,
            "messaging_service_sid": None,
        }  # fmt: skip
        self.kept.insert(0, facts | more)

    def _list(self, asked: Asked) -> Says:
        """A page of two, newest first."""
        since, to = asked.query.get("DateSent>", ""), asked.query.get("To")
        start = int(asked.query.get("Page", "0")) * 2
        found = [one for one in self.kept if to in {None, one["to"]} and _day(one) >= since]
        query = urlencode(asked.query | {"Page": str(start // 2 + 1)})
        more = f"{_ROOT}/Messages.json?{query}" if len(found) > start + 2 else None
        return Says(200, {"messages": found[start : start + 2], "next_page_uri": more})

    def answer(self, asked: Asked) -> Says | None:
        known = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {known}" or self.mode == "locked":
            return _error(401, 20003, "Authenticate")
        if asked.method == "POST" and asked.path == f"{_ROOT}/Messages.json":
            return self._message(asked)
        if asked.path == f"{_ROOT}/Messages.json":
            return self._list(asked)
        _, _, source = asked.path.partition(f"{_ROOT}/Messages/")
        if source:
            return self.media[source] if source in self.media else Says(404)
        if asked.path == f"{_ROOT}.json":
            said = {"friendly_name": "Example", "status": self.status}
            return Says(200, said, (f"Date: {format_datetime(self.now)}",) if self.now else ())
        if asked.path == f"{_ROOT}/IncomingPhoneNumbers.json":
            return Says(200, {"incoming_phone_numbers": self._numbers(asked)})
        return _error(404, 20404, "The requested resource was not found")

    def _numbers(self, asked: Asked) -> list[dict[str, Any]]:
        if asked.query.get("PhoneNumber") != DESK:
            return []
        facts = {
            "sms_url": self.webhook,
            "sms_method": self.method,
            "sms_application_sid": self.app,
        }
        return [facts | {"capabilities": {"sms": True}}]

    def _message(self, asked: Asked) -> Says | None:
        said = asked.form
        if wrong := self._wrong(said):
            return wrong
        sid = f"SM{next(self._ids):032x}"
        self.sent.append(said | {"sid": sid})
        if self.mode == "vanishes":
            return None
        segments = "0" if "MessagingServiceSid" in said else "1"
        return Says(201, {"sid": sid, "status": "queued", "num_segments": segments})

    def _wrong(self, said: dict[str, str]) -> Says | None:
        if self.mode == "busy":
            return _error(429, 20429, "Too Many Requests", f"Retry-After: {PAUSE.seconds}")
        if self.mode == "broken":
            return _error(500, 20500, "An internal server error has occurred")
        if self.mode == "gateway":
            return Says(502, b"<html>Bad Gateway</html>")
        if self.mode in _REFUSALS:
            return _error(400, _REFUSALS[self.mode], f"not to {said['To']}")
        if not said.keys() <= _FIELDS or ("From" in said) == ("MessagingServiceSid" in said):
            return _error(400, 21603, "A 'From' phone number is required")
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", said.get("To", "")):
            return _error(400, 21211, "Invalid 'To' Phone Number")
        if not said.get("Body"):
            return _error(400, 21602, "Message body is required")
        if len(said["Body"].encode("utf-16-le")) // 2 > 1600:
            return _error(400, 21617, "The concatenated message body exceeds the 1600 limit")
        if not said.get("StatusCallback", "").startswith("https://"):
            return _error(400, 21609, "The 'StatusCallback' URL is not a valid URL")
        return None


def _day(message: dict[str, Any]) -> str:
    return parsedate_to_datetime(message["date_sent"]).date().isoformat()


def _error(status: int, code: int, message: str, *headers: str) -> Says:
    more = f"https://www.twilio.com/docs/errors/{code}"
    said = {"code": code, "message": message, "more_info": more, "status": status}
    return Says(status, said, headers)


def sms_settings(twilio: Twilio | None = None, /, **more: Any) -> SmsSettings:
    known = {
        "name": "sms", "type": "sms", "account_sid": ACCOUNT, "auth_token": TOKEN, "sender": DESK,
        "public_url": PUBLIC, "api": twilio.url if twilio else "http://127.0.0.1:1",
    }  # fmt: skip
    return SmsSettings.model_validate(known | more)


def sid(number: int, kind: str = "SM") -> str:
    return f"{kind}{number:032x}"


def incoming(text: str = "hello", number: int = 4711, **more: str) -> dict[str, str]:
    """The fields of a message, as Twilio's guide lists them."""
    id_ = sid(number)
    return {
        "ToCountry": "JP", "ToState": "", "SmsMessageSid": id_, "NumMedia": "0", "ToCity": "",
        "FromZip": "", "SmsSid": id_, "FromState": "", "SmsStatus": "received", "FromCity": "",
        "Body": text, "FromCountry": "JP", "To": DESK, "ToZip": "", "NumSegments": "1",
        "MessageSid": id_, "AccountSid": ACCOUNT, "From": YUKI, "ApiVersion": "2010-04-01",
    } | more  # fmt: skip


def status(state: str, number: int = 1, **more: str) -> dict[str, str]:
    """The fields of a report."""
    id_ = sid(number)
    return {
        "SmsSid": id_, "SmsStatus": state, "MessageStatus": state, "To": YUKI, "MessageSid": id_,
        "AccountSid": ACCOUNT, "From": DESK, "ApiVersion": "2010-04-01",
    } | more  # fmt: skip


def sign(fields: dict[str, str], url: str = f"{PUBLIC}/in/sms", token: str = TOKEN) -> str:
    """As Twilio's page on security says, written apart from ours."""
    text = url
    for key in sorted(fields):
        text += key + fields[key]
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def request(fields: dict[str, str], signature: str | None = None, **more: Any) -> Request:
    claimed = sign(fields) if signature is None else signature
    body = urlencode(fields).encode()
    headers = {
        "x-twilio-signature": claimed, "i-twilio-idempotency-token": "4f8e",
        "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
    }  # fmt: skip
    return Request("POST", "", "", headers, body, "192.0.2.1")._replace(**more)


class SmsSubject:
    """Twilio's platform: it calls, and is called."""

    to = Address("", YUKI)

    def __init__(self, twilio: Twilio) -> None:
        self._twilio = twilio
        self._numbers: dict[str, int] = {}

    def make(self, host: Host) -> Sms:
        self._channel = Sms(sms_settings(self._twilio), host)
        return self._channel

    async def offer(self, id_: str, text: str) -> Told:
        number = self._numbers.setdefault(id_, len(self._numbers) + 1)
        return told(await call(self._channel, request(incoming(text, number))))

    async def poison(self, octets: bytes) -> None:
        """Signed where it can be: as a text, as a name, and as the whole body."""
        text = octets.decode("utf-8", "replace")
        await call(self._channel, request(incoming(text[:50_000], 10**6 + len(octets))))
        await call(self._channel, request(incoming(MessageSid=text[:1000])))
        await call(self._channel, request(incoming(NumMedia=text[:1000], MediaUrl0=text[:1000])))
        await call(self._channel, request(incoming(), body=octets))

    async def trouble(self, how: Trouble | None) -> None:
        if how == "down":
            await self._twilio.shut()
        else:
            await self._twilio.open()
            self._twilio.mode = how or ""

    def given(self) -> list[Given]:
        return [Given(one["Body"], "") for one in self._twilio.sent]
