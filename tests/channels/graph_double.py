"""A strict double of the WhatsApp Cloud API, and the channel before it."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from itertools import count
from typing import Any

from channels.base import Host, Request
from channels.called import now
from channels.testing import PAUSE, Given, Told, Trouble, call, told
from channels.whatsapp import WhatsApp
from channels.whatsapp.settings import WhatsAppSettings
from normalizer.message import Address
from tests.channels.api_double import Asked, Double, Says

SECRET, TOKEN, VERIFY = "meta-app-secret", "meta-access-token", "our-own-word"  # of the double only
NUMBER = "106540352242922"
YUKI = "819012345678"
HANA = "JP.13491208655302741918"
_ROOT = f"/v24.0/{NUMBER}"
_COMMON = {
    "messaging_product", "recipient_type", "to", "recipient", "type", "context",
    "biz_opaque_callback_data",
}  # fmt: skip
_REFUSALS = {"unwanted": 131051, "gone": 131026, "window": 131047, "unfit": 132005, "busy": 130429}


class Graph(Double):
    """What Meta knows. `mode` makes it fail: busy, unwanted, gone, window, vanishes, locked, …"""

    def __init__(self) -> None:
        super().__init__()
        self.mode = ""
        self.sent: list[dict[str, Any]] = []
        self.uploads: list[bytes] = []
        self.files: dict[str, bytes] = {}
        self.tokens: list[str] = []
        self._ids = count(1)

    def answer(self, asked: Asked) -> Says | None:
        self.tokens.append(asked.headers.get("authorization", ""))
        if self.tokens[-1] != f"Bearer {TOKEN}" or self.mode == "locked":
            return _error(401, 190, "Invalid OAuth access token")
        if asked.path.startswith("/content/"):
            return Says(200, self.files[asked.path.removeprefix("/content/")])
        if asked.method == "GET":
            return self._told(asked)
        if asked.path == f"{_ROOT}/media":
            return self._media(asked)
        return self._message(asked) if asked.path == f"{_ROOT}/messages" else _error(404, 100, "?")

    def _told(self, asked: Asked) -> Says:
        if asked.path == _ROOT:
            said = {"verified_name": "Example", "display_phone_number": "+81 50-1234-5678"}
            return Says(200, said | {"quality_rating": "GREEN", "id": NUMBER})
        id_ = asked.path.removeprefix("/v24.0/")
        if id_ not in self.files:
            return _error(400, 100, "Object with ID does not exist")
        url = f"{self.url}/content/{id_}"
        return Says(200, {"url": url, "id": id_, "messaging_product": "whatsapp"})

    def _media(self, asked: Asked) -> Says | None:
        assert asked.headers["content-type"].startswith("multipart/form-data; boundary=")
        if self.mode == "no upload":
            return None
        self.uploads.append(asked.body)
        return Says(200, {"id": f"{len(self.uploads):015}"})

    def _message(self, asked: Asked) -> Says | None:
        said = asked.json
        if wrong := self._wrong(said):
            return wrong
        self.sent.append(said)
        if self.mode == "vanishes":
            return None
        id_ = f"wamid.{next(self._ids):032X}"
        return Says(200, {"messaging_product": "whatsapp", "messages": [{"id": id_}]})

    def _wrong(self, said: dict[str, Any]) -> Says | None:
        if self.mode in _REFUSALS:
            status = 429 if self.mode == "busy" else 400
            return _error(status, _REFUSALS[self.mode], "no", f"Retry-After: {PAUSE.seconds}")
        if self.mode == "broken":
            return _error(500, 131000, "Something went wrong")
        if self.mode == "gateway":
            return Says(502, b"<html>Bad Gateway</html>")
        kind = said.get("type", "text")
        if said.keys() - _COMMON != {kind} or said["messaging_product"] != "whatsapp":
            return _error(400, 100, "Invalid parameter")
        if ("to" in said) == ("recipient" in said) or not _is_whom(said):
            return _error(400, 131009, "Parameter value is not valid")
        return None if _fits(kind, said[kind]) else _error(400, 100, "Invalid parameter")


def _is_whom(said: dict[str, Any]) -> bool:
    number = re.fullmatch(r"[1-9][0-9]{6,14}", said.get("to", ""))
    return bool(number or re.fullmatch(r"[A-Z]{2}\.[A-Za-z0-9]+", said.get("recipient", "")))


def _fits(kind: str, said: dict[str, Any]) -> bool:
    """The limits that the reference names."""
    match kind:
        case "text":
            return 0 < len(said["body"]) <= 4096
        case "interactive":
            return _is_choice(said)
        case "template":
            texts = [p["text"] for c in said.get("components", ()) for p in c["parameters"]]
            return all(0 < len(one) <= 1024 and "\n" not in one for one in texts)
        case "image" | "audio" | "video":
            return bool(said["id"]) and "filename" not in said
        case "document":
            return bool(said["id"] and said["filename"])
    return False


def _is_choice(said: dict[str, Any]) -> bool:
    body = said["body"]["text"]
    if said["type"] == "button":
        found = [one["reply"] for one in said["action"]["buttons"]]
        titles = all(0 < len(one["title"]) <= 20 for one in found)
        return titles and 0 < len(body) <= 1024 and 0 < len(found) <= 3
    rows = [row for section in said["action"]["sections"] for row in section["rows"]]
    titles = all(0 < len(row["title"]) <= 24 and len(row["id"]) <= 200 for row in rows)
    fits = 0 < len(body) <= 4096 and 0 < len(said["action"]["button"]) <= 20
    return titles and fits and 0 < len(rows) <= 10


def _error(status: int, code: int, message: str, *headers: str) -> Says:
    said = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code}
    return Says(status, {"error": said | {"fbtrace_id": "A1"}}, headers)


def whatsapp_settings(graph: Graph | None = None, /, **more: Any) -> WhatsAppSettings:
    known = {
        "name": "wa", "type": "whatsapp", "phone_number_id": NUMBER, "access_token": TOKEN,
        "app_secret": SECRET, "verify_token": VERIFY,
        "api": graph.url if graph else "http://127.0.0.1:1",
    }  # fmt: skip
    return WhatsAppSettings.model_validate(known | more)


def message(number: int = 1, user: str = YUKI, **held: Any) -> dict[str, Any]:
    """A message as the reference shows it; without another kind it is a text."""
    kind = held or {"text": {"body": "hello"}}
    at = str(int(now().timestamp()))
    wrote = {"from_user_id": user} if "." in user else {"from": user}
    type_ = next(iter(kind))
    return wrote | {"id": f"wamid.IN{number:030}", "timestamp": at, "type": type_} | kind


def body(*messages: dict[str, Any], number: str = NUMBER, **more: Any) -> bytes:
    """The body of a call."""
    users = [one.get("from") or one.get("from_user_id") for one in messages]
    contacts = [
        {"profile": {"name": "ゆき🌸"}, ("user_id" if "." in str(user) else "wa_id"): user}
        for user in users
    ]
    metadata = {"display_phone_number": "815012345678", "phone_number_id": number}
    value = {"messaging_product": "whatsapp", "metadata": metadata} | more
    if messages:
        value |= {"contacts": contacts, "messages": list(messages)}
    entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def status(state: str, id_: str, **more: Any) -> dict[str, Any]:
    facts = {"id": id_, "status": state, "timestamp": "1749416383", "recipient_id": YUKI}
    return facts | more


def sign(octets: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), octets, hashlib.sha256).hexdigest()


def request(octets: bytes, signature: str | None = None, **more: Any) -> Request:
    claimed = sign(octets) if signature is None else signature
    headers = {"x-hub-signature-256": claimed, "content-type": "application/json"}
    return Request("POST", "", "", headers, octets, "192.0.2.1")._replace(**more)


class WhatsAppSubject:
    """Meta's platform: it calls, and is called."""

    to = Address("", YUKI)

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._calls: dict[str, bytes] = {}

    def make(self, host: Host) -> WhatsApp:
        self._channel = WhatsApp(whatsapp_settings(self._graph), host)
        return self._channel

    async def offer(self, id_: str, text: str) -> Told:
        made = body(message(len(self._calls), text={"body": text}))
        return told(await self._call(self._calls.setdefault(id_, made)))

    async def poison(self, octets: bytes) -> None:
        """Signed all the same, as a whole call, as a value and as a message."""
        await self._call(octets)
        around = body(message(text="@"), number=NUMBER).partition(b'{"from"')
        await self._call(around[0] + octets + b"]}}]}]}")
        await self._call(b'{"object":"whatsapp_business_account","entry":[' + octets + b"]}")

    async def _call(self, octets: bytes) -> int:
        return await call(self._channel, request(octets))

    async def trouble(self, how: Trouble | None) -> None:
        if how == "down":
            await self._graph.shut()
        else:
            await self._graph.open()
            self._graph.mode = how or ""
        if how is None:  # they wrote a moment ago, so that they may be answered
            await self._call(body(message(999, text={"body": "hello"})))

    def given(self) -> list[Given]:
        return [
            Given(one["text"]["body"], one["biz_opaque_callback_data"]) for one in self._graph.sent
        ]
