"""A strict double of LINE's platform, over real HTTP: what it refuses, LINE refuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from time import monotonic
from typing import Any

SECRET = "line-channel-secret"  # of the double only
TOKEN = "line-access-token"
BOT = "U" + "0" * 32
YUKI = "U" + "4711" * 8
HANA = "U" + "beef" * 8

Reply = tuple[int, Any]


@dataclass
class Platform:
    """What LINE knows. `mode` makes it fail: down, busy, unwanted, gone, month, broken, locked, swallow."""

    port: int = 0
    mode: str = ""
    users: set[str] = field(default_factory=lambda: {YUKI, HANA})
    blocked_by: set[str] = field(default_factory=set)
    replied: list[dict[str, Any]] = field(default_factory=list)
    pushed: list[dict[str, Any]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    content: dict[str, bytes | int] = field(default_factory=dict)
    quota: int | None = 1000
    used: int = 0
    endpoint: str = ""
    active: bool = True
    reached: bool = True
    later: float = 0.0
    pause: str = "7"
    asked: list[str] = field(default_factory=list)
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: count(461230966842064897))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def event(self, text: str = "", user: str = YUKI, **more: Any) -> dict[str, Any]:
        """An event as LINE writes it, with a reply token of a minute."""
        id_ = next(self._ids)
        token = f"token{id_}"
        self._tokens[token] = (user, monotonic() + self.later)
        return {
            "type": "message",
            "message": {"type": "text", "id": str(id_), "quoteToken": "q3Plxr4AgKd", "text": text},
            "webhookEventId": f"01FZ74A0TDDPYRVKNK77{id_ % 10**6:06}",
            "deliveryContext": {"isRedelivery": False},
            "timestamp": 1_763_780_000_000 + id_ % 10**6,
            "source": {"type": "user", "userId": user},
            "replyToken": token,
            "mode": "active",
        } | more

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Reply:
        with self._lock:
            self.asked.append(f"{method} {path}")
            if headers.get("Authorization") != f"Bearer {TOKEN}" or self.mode == "locked":
                return 401, {"message": "Authentication failed. Confirm your access token."}
            if self.mode == "broken":
                return 500, {"message": "The error occurred in the backend server."}
            said = json.loads(body) if body else {}
            if path == "/v2/bot/message/reply":
                return self._reply(said, headers)
            if path == "/v2/bot/message/push":
                return self._push(said, headers)
            return self._told(method, path, said)

    def _reply(self, said: Any, headers: Any) -> Reply:
        if headers.get("X-Line-Retry-Key"):
            return 400, {"message": "Retry key is not supported in this API."}
        if wrong := self._wrong(said):
            return wrong
        user, since = self._tokens.pop(said["replyToken"], ("", 0.0))
        if not user or monotonic() + self.later - since > 60:
            return 400, {"message": "Invalid reply token"}
        self.replied.append(said | {"to": user})
        return 200, self._sent(said)

    def _push(self, said: Any, headers: Any) -> Reply:
        key = str(uuid.UUID(headers["X-Line-Retry-Key"]))
        if key in self.keys:
            return 409, {
                "message": "The retry key is already accepted",
                **json.loads(self.keys[key]),
            }
        if wrong := self._wrong(said):
            return wrong
        if said["to"] not in self.users or self.mode == "gone":
            return 400, {"message": "Failed to send messages"}
        if self.mode == "month" or (self.quota is not None and self.used >= self.quota):
            return 429, {"message": "You have reached your monthly limit."}
        self.used += 1
        sent = self._sent(said)
        self.keys[key] = json.dumps(sent)
        if said["to"] not in self.blocked_by:
            self.pushed.append(said | {"key": key})
        if self.mode == "swallow":
            return 0, None
        return 200, sent

    def _wrong(self, said: Any) -> Reply | None:
        if self.mode == "busy":
            return 429, {"message": "The API rate limit has been exceeded. Try again later."}
        messages = said["messages"]
        units = [len(message["text"].encode("utf-16-le")) // 2 for message in messages]
        buttons = [b for m in messages for b in m.get("quickReply", {}).get("items", ())]
        labels = all(len(b["action"]["label"]) <= 20 for b in buttons)
        fits = 0 < len(messages) <= 5 and all(0 < size <= 5000 for size in units) and labels
        if not fits or self.mode == "unwanted":
            return 400, {"message": "The request body has 1 error(s)"}
        return None

    def _sent(self, said: Any) -> dict[str, Any]:
        return {"sentMessages": [{"id": str(next(self._ids))} for _ in said["messages"]]}

    def _told(self, method: str, path: str, said: Any) -> Reply:
        if path.endswith("/content"):
            found = self.content.get(path.split("/")[-2], 404)
            return (found, {}) if isinstance(found, int) else (200, found)
        if path == "/v2/bot/channel/webhook/endpoint":
            return self._endpoint(method, said)
        if path.startswith("/v2/bot/profile/"):
            user = path.rpartition("/")[2]
            known_user = user in self.users - self.blocked_by
            return (
                (200, {"displayName": "ゆき🌸"}) if known_user else (404, {"message": "Not found"})
            )
        known: dict[str, Any] = {
            "/v2/bot/info": {"userId": BOT, "basicId": "@216ru", "displayName": "Example"},
            "/v2/bot/message/quota": {"type": "none"}
            if self.quota is None
            else {"type": "limited", "value": self.quota},
            "/v2/bot/message/quota/consumption": {"totalUsage": self.used},
            "/v2/bot/channel/webhook/test": {
                "success": self.reached,
                "statusCode": 200 if self.reached else 0,
                "reason": "OK" if self.reached else "COULD_NOT_CONNECT",
            },
        }
        return (200, known[path]) if path in known else (404, {"message": "Not found"})

    def _endpoint(self, method: str, said: Any) -> Reply:
        if method == "PUT":
            self.endpoint = said["endpoint"]
            return 200, {}
        if not self.endpoint:
            return 404, {"message": "Webhook endpoint not found"}
        return 200, {"endpoint": self.endpoint, "active": self.active}


def call(*events: dict[str, Any]) -> bytes:
    """The body of a webhook."""
    return json.dumps({"destination": BOT, "events": list(events)}, ensure_ascii=False).encode()


def sign(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


@contextmanager
def platform() -> Iterator[Platform]:
    """The double, listening on a port of its own."""
    made = Platform()

    class Door(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if made.mode == "down":
                return
            status, said = made.answer(self.command, self.path, self.headers, body)
            if not status:
                return
            octets = said if isinstance(said, bytes) else json.dumps(said).encode()
            with suppress(ConnectionError):
                self._tell(status, octets)

        def _tell(self, status: int, octets: bytes) -> None:
            self.send_response(status)
            if status == 429 and made.mode == "busy":
                self.send_header("Retry-After", made.pause)
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815  the library's names

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        made.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
