"""Log in with a browser: a loopback redirect (RFC 8252) protected by PKCE (RFC 7636)."""

from __future__ import annotations

import hmac
import secrets
import select
import socket
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from channels.oauth_endpoint import LoginNeeded, Refusal, explain, post
from channels.oauth_settings import OAuth

PATIENCE = 600.0  # seconds that a person has
_LINE = 8192  # octets of the request line that we read
_SHORT = 5.0  # seconds for a browser to say its line
_DONE = "You are logged in. You can close this page and go back to the terminal."
_NOT_DONE = "This did not work. The terminal says why."


class Attempt(NamedTuple):
    """One try to log in: what only we know of it, and where the browser comes back to."""

    redirect: str
    state: str
    verifier: str

    @classmethod
    def new(cls, redirect: str) -> Self:
        """RFC 7636 section 4.1: 43 to 128 characters; these are 86."""
        return cls(redirect, secrets.token_urlsafe(32), secrets.token_urlsafe(64))

    @property
    def challenge(self) -> str:
        """RFC 7636 section 4.2, method S256."""
        digest = sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def address(settings: OAuth, attempt: Attempt, hint: str = "") -> str:
    """What the person opens; `hint` names the mailbox, so that the right account is offered."""
    known = settings.known
    query = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": attempt.redirect,
        "scope": known.scope,
        "state": attempt.state,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    more = dict(known.more) | ({"login_hint": hint} if hint else {})
    return f"{known.authorization}?{urlencode(query | more)}"


def code(attempt: Attempt, came_back: str, host: str) -> str:
    """The code in the address that the browser came back with. Raises LoginNeeded."""
    values = {name: found[0] for name, found in parse_qs(urlsplit(came_back).query).items()}
    # RFC 8252 section 8.9: another page may have sent the browser here.
    if not hmac.compare_digest(values.get("state", "").encode(), attempt.state.encode()):
        raise LoginNeeded("the answer does not belong to this log-in; begin again")
    if error := values.get("error"):
        raise Refusal(error, explain(host, error, values.get("error_description", "")))
    if not values.get("code"):
        raise LoginNeeded("the provider sent no code")
    return values["code"]


def exchange(settings: OAuth, attempt: Attempt, given: str) -> dict[str, Any]:
    """The tokens for a code. Raises Refusal, NotNow."""
    secret = settings.client_secret
    form = {
        "grant_type": "authorization_code",
        "code": given,
        "redirect_uri": attempt.redirect,
        "client_id": settings.client_id,
        "code_verifier": attempt.verifier,
    }
    return post(settings.known.token, form | ({"client_secret": secret} if secret else {}))


class Loopback:
    """Waits on 127.0.0.1 for one browser to come back; or for somebody to type where it went.

    Who sits at another machine sees an error page there, whose address can be pasted.
    """

    def __init__(self, host: str, port: int = 0, typed: int | None = None) -> None:
        self._socket = socket.create_server(("127.0.0.1", port))
        self._typed = typed
        self.redirect = f"http://{host}:{self._socket.getsockname()[1]}"

    def wait(self, judge: Callable[[str], str], patience: float = PATIENCE) -> str:
        """What `judge` makes of the first address that comes; it raises for a bad one."""
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            sources = [self._socket, *(() if self._typed is None else (self._typed,))]
            ready, _, _ = select.select(sources, [], [], left)
            if self._socket in ready:
                found = self._browser(judge)
            else:
                found = self._line(judge) if ready else ""
            if found:
                return found
        raise LoginNeeded(f"nobody came back within {patience / 60:.0f} minutes")

    def close(self) -> None:
        self._socket.close()

    def _line(self, judge: Callable[[str], str]) -> str:
        assert self._typed is not None
        typed = open(self._typed, "rb", buffering=0, closefd=False).readline()  # noqa: SIM115  not ours to close
        if not typed:
            self._typed = None
        line = typed.decode(errors="replace").strip()
        return judge(line) if line else ""

    def _browser(self, judge: Callable[[str], str]) -> str:
        peer, _ = self._socket.accept()
        with peer:
            target = _target(peer)
            # A browser also asks for an icon, and a port scanner for anything.
            if urlsplit(target).path not in ("", "/") or "state=" not in target:
                _answer(peer, "404 Not Found", _NOT_DONE)
                return ""
            try:
                found = judge(target)
            except LoginNeeded:
                _answer(peer, "400 Bad Request", _NOT_DONE)
                raise
            _answer(peer, "200 OK", _DONE)
            return found


def _target(peer: socket.socket) -> str:
    """The target of a GET; "" for anything else."""
    peer.settimeout(_SHORT)
    line = b""
    try:
        while b"\r\n\r\n" not in line and len(line) < 4 * _LINE and (more := peer.recv(_LINE)):
            line += more
    except OSError:
        return ""
    words = line.partition(b"\r\n")[0].decode("ascii", "replace").split(" ")
    return words[1] if len(words) == 3 and words[0] == "GET" else ""


def _answer(peer: socket.socket, status: str, text: str) -> None:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n"
    )
    try:
        peer.sendall(head.encode() + body)
    except OSError:
        return
