"""A provider of OAuth2 log-ins on loopback: browser, device code, rotating tokens, tokeninfo."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from channels.oauth_settings import OAuth

CLIENT, SECRET, SCOPE = "our-client", "cl1ent-s3cret", "mail"
Reply = tuple[int, dict[str, Any]]


@dataclass
class TokenServer:
    """What the provider knows, and what a test wants it to say.

    A refresh token is good once: using it gives another and ends it, which is as strict as the
    RFCs allow (RFC 9700 section 4.14.2). `next` holds replies of /token that come before that.
    """

    port: int = 0
    life: int = 3600
    refresh_life: int | None = None
    rotates: bool = True
    user: str = "support"
    pending: int = 0
    agrees: bool = True
    next: list[Reply] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    opened: dict[str, str] = field(default_factory=dict)
    good: set[str] = field(default_factory=set)
    refresh: set[str] = field(default_factory=set)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **more: str) -> OAuth:
        """The `oauth` table of a channel that logs in here."""
        return OAuth.model_validate(self.table() | {"client_secret": SECRET} | more)

    def table(self) -> dict[str, str]:
        return {
            "client_id": CLIENT,
            "authorization": f"{self.url}/authorize",
            "token": f"{self.url}/token",
            "device": f"{self.url}/device",
            "scope": SCOPE,
        }

    def toml(self, secret: str = '{ env = "CLIENT_SECRET" }') -> str:
        """The same as one line of config.toml."""
        pairs = ", ".join(f'{name} = "{value}"' for name, value in self.table().items())
        return f"oauth = {{ {pairs}, client_secret = {secret} }}"

    def refreshes(self) -> int:
        """How often somebody asked to refresh."""
        return sum(form.get("grant_type") == "refresh_token" for form in self.asked)

    def log_in(self) -> dict[str, Any]:
        """The reply that a person's log-in ends with."""
        return self.tokens()

    def tokens(self) -> dict[str, Any]:
        access, refresh = (f"{kind}-{secrets.token_hex(12)}" for kind in ("acc", "ref"))
        self.good.add(access)
        self.refresh.add(refresh)
        reply = {"access_token": access, "token_type": "Bearer", "expires_in": self.life}
        more = {"refresh_token_expires_in": self.refresh_life} if self.refresh_life else {}
        return reply | {"refresh_token": refresh} | more

    def expire(self) -> None:
        """No access token is good any more."""
        self.good.clear()

    def revoke(self) -> None:
        """The person took the log-in back."""
        self.good.clear()
        self.refresh.clear()

    def device(self, form: dict[str, str]) -> Reply:
        code = secrets.token_hex(8)
        self.codes[code] = form
        page = f"{self.url}/enter"
        told = {"device_code": code, "user_code": "ABCD-1234", "verification_uri": page}
        return 200, told | {"expires_in": 900, "interval": 1}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        self.opened = query
        if not self.agrees:
            answer = {"error": "access_denied", "state": query["state"]}
        else:
            code = secrets.token_hex(8)
            self.codes[code] = query
            answer = {"code": code, "state": query["state"]}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: dict[str, str]) -> Reply:
        if self.next:
            return self.next.pop(0)
        if form.get("client_id") != CLIENT or form.get("client_secret") != SECRET:
            return 401, {"error": "invalid_client"}
        match form.get("grant_type", "").rpartition(":")[2]:
            case "refresh_token":
                return self._refreshed(form)
            case "authorization_code":
                return self._exchanged(form)
            case "device_code":
                return self._entered(form)
        return 400, {"error": "unsupported_grant_type"}

    def _refreshed(self, form: dict[str, str]) -> Reply:
        old = form["refresh_token"]
        if old not in self.refresh:
            return 400, {"error": "invalid_grant", "error_description": f"{old} is not known"}
        reply = self.tokens()
        if self.rotates:
            self.refresh.discard(old)
        else:
            self.refresh.discard(reply.pop("refresh_token"))
        return 200, reply

    def _exchanged(self, form: dict[str, str]) -> Reply:
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            not asked
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form.get("redirect_uri")
        ):
            return 400, {"error": "invalid_grant"}
        return 200, self.tokens()

    def _entered(self, form: dict[str, str]) -> Reply:
        if form.get("device_code") not in self.codes:
            return 400, {"error": "invalid_grant"}
        if self.pending:
            self.pending -= 1
            return 400, {"error": "authorization_pending"}
        if not self.agrees:
            return 400, {"error": "access_denied"}
        return 200, self.tokens()

    def tokeninfo(self, token: str) -> Reply:
        """What Dovecot asks: whose token this is."""
        if token not in self.good:
            return 401, {"error": "invalid_token"}
        return 200, {"email": self.user, "username": self.user, "scope": SCOPE}


class _Page(BaseHTTPRequestHandler):
    server_of: ClassVar[TokenServer]

    def do_POST(self) -> None:
        it = self.server_of
        size = int(self.headers.get("content-length", 0))
        form = dict(parse_qsl(self.rfile.read(size).decode()))
        with it.lock:
            it.asked.append(form)
            answer = it.device(form) if self.path == "/device" else it.token(form)
        self._say(*answer)

    def do_GET(self) -> None:
        it, parts = self.server_of, urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        with it.lock:
            if parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", it.authorize(query))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            answer = it.tokeninfo(query.get("access_token", ""))
        self._say(*answer)

    def _say(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Silent: its lines hold tokens."""


@contextmanager
def token_server(**options: Any) -> Iterator[TokenServer]:
    it = TokenServer(**options)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Page", (_Page,), {"server_of": it}))
    it.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield it
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
