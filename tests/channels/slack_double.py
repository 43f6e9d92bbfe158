"""A strict double of a Slack workspace: it calls us as Slack does, and refuses what Slack refuses."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlencode

from channels.base import Host, Request
from channels.slack import Slack
from channels.slack.event import signature
from channels.slack.settings import SlackSettings
from channels.testing import Given, Told, Trouble, call, told
from normalizer.message import Address

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # of the double only
TOKEN = "xoxb-for-tests-only"
TEAM, BOT, YUKI, HANA = "T0DESK", "U0BOT", "U0YUKI", "U0HANA"
TALK, LOBBY = "D0YUKI", "C0LOBBY"
_numbers = count(1)


def ts() -> str:
    """A message's number."""
    return f"{int(time.time())}.{next(_numbers):06}"


def said(text: str, user: str = YUKI, channel: str = TALK, **more: Any) -> dict[str, Any]:
    """A message as its event holds it."""
    number = ts()
    facts = {
        "type": "message", "user": user, "text": text, "ts": number, "event_ts": number,
        "team": TEAM, "channel": channel, "client_msg_id": f"c{number}",
        "channel_type": "im" if channel.startswith("D") else "channel",
    }  # fmt: skip
    return facts | more


def event_call(event: dict[str, Any], id_: str = "", **more: Any) -> bytes:
    """The body of a call about an event."""
    facts = {
        "token": "old", "team_id": TEAM, "api_app_id": "A0", "type": "event_callback",
        "event": event, "event_id": id_ or f"Ev{next(_numbers)}", "event_time": int(time.time()),
        "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
    }  # fmt: skip
    return json.dumps(facts | more, ensure_ascii=False).encode()


def press(value: str, label: str, of: dict[str, str], user: str = YUKI) -> bytes:
    """The body of a call about a button below the message `of` (channel, ts, thread_ts)."""
    facts = {
        "type": "block_actions", "user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM},
        "trigger_id": f"1.{next(_numbers)}", "channel": {"id": of["channel"]},
        "message": {key: of[key] for key in ("ts", "thread_ts") if key in of},
        "container": {"type": "message", "message_ts": of["ts"], "channel_id": of["channel"]},
        "actions": [{"type": "button", "action_id": "choice:0", "value": value, "action_ts": ts(),
                     "text": {"type": "plain_text", "text": label}}],
    }  # fmt: skip
    return urlencode({"payload": json.dumps(facts)}).encode()


def request(body: bytes, at: float | None = None, **more: str) -> Request:
    """A signed call."""
    stamp = str(int(at if at is not None else time.time()))
    headers = {
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": signature(SECRET, stamp, body),
    }
    return Request("POST", "", "", headers | more, body, "192.0.2.8")


class Workspace:
    """The Web API; `fails` says how a method fails: an error, a status, or "vanish"."""

    def __init__(self) -> None:
        self.port = 0
        self.fails: dict[str, str | int] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.posted: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.gone: set[str] = set()
        self.scopes = "chat:write,files:read,im:history,im:write,users:read"
        self.asked_with: list[str] = []
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # who stops may leave at once
            await self._hear(reader, writer)
        writer.close()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        lines = [line.partition(": ") for line in head.splitlines()[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if answer := self._answer(path, headers, body):
            status, more, octets = answer
            lines_out = [f"HTTP/1.1 {status} x", f"Content-Length: {len(octets)}", *more]
            writer.write("\r\n".join([*lines_out, "Connection: close", "", ""]).encode() + octets)

    def _answer(
        self, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[str], bytes] | None:
        token = headers.get("authorization", "")
        self.asked_with.append(token)
        if path.startswith("/files/"):
            found = self.files.get(path.rpartition("/")[2])
            return (
                (200, [], found)
                if found is not None and token
                else (302, ["Location: /login"], b"")
            )
        if path.startswith("/upload/"):
            assert not token, "the address alone is the right to upload"
            self.files[path.rpartition("/")[2]] = body
            return 200, [], b"OK"
        method = path.removeprefix("/api/")
        is_json = headers.get("content-type", "").startswith("application/json")
        fields = (
            json.loads(body) if is_json else {k: v[0] for k, v in parse_qs(body.decode()).items()}
        )
        self.calls.append((method, fields))
        failure = self.fails.get(method, "" if token == f"Bearer {TOKEN}" else "invalid_auth")
        if failure == 429:
            return 429, ["Retry-After: 7"], b'{"ok":false,"error":"ratelimited"}'
        if isinstance(failure, int):
            return failure, [], b"<html>"
        if method == "chat.postMessage" and fields["channel"] in self.gone:
            failure = "channel_not_found"
        result = self._result(method, fields) if failure in {"", "vanish"} else {}
        if failure == "vanish":
            return None
        given = {"ok": not failure} | ({"error": failure} if failure else result)
        more = ["Content-Type: application/json", f"X-OAuth-Scopes: {self.scopes}"]
        return 200, more, json.dumps(given).encode()

    def _result(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "auth.test":
                return {"team_id": TEAM, "team": "Example", "user": "desk", "user_id": BOT}
            case "users.info":
                profile = {"display_name": "", "real_name": "ゆき"}
                return {"user": {"id": fields["user"], "locale": "ja-JP", "profile": profile}}
            case "conversations.open":
                return {"channel": {"id": fields["users"].replace("U", "D", 1)}}
            case "chat.postMessage":
                return self._posted(fields)
            case "files.info":
                id_ = fields["file"]
                url = f"{self.url}/files/{id_}"
                return {
                    "file": {"size": len(self.files.get(id_, b"")), "url_private_download": url}
                }
            case "files.getUploadURLExternal":
                return {"upload_url": f"{self.url}/upload/F9", "file_id": "F9"}
            case "files.completeUploadExternal":
                self.posted.append(fields)
                return {"files": [{"id": one["id"]} for one in fields["files"]]}
        raise AssertionError(f"a method that this double does not know: {method}")

    def _posted(self, fields: dict[str, Any]) -> dict[str, Any]:
        assert 0 < len(fields["text"]) <= 40_000
        for block in fields.get("blocks", ()):
            assert block["type"] != "section" or 0 < len(block["text"]["text"]) <= 3000
            assert block["type"] != "actions" or 0 < len(block["elements"]) <= 25
        number = ts()
        self.posted.append(fields | {"ts": number})
        return {"channel": fields["channel"], "ts": number}


@asynccontextmanager
async def workspace() -> AsyncIterator[Workspace]:
    made = Workspace()
    await made.open()
    yield made
    await made.shut()


def settings(slack: Workspace, **more: Any) -> SlackSettings:
    facts = {
        "name": "slack", "type": "slack", "bot_token": TOKEN, "signing_secret": SECRET,
        "api": f"{slack.url}/api", "files": f"{slack.url}/files",
    }  # fmt: skip
    return SlackSettings.model_validate(facts | more)


class SlackSubject:
    """Slack for the conformance kit: it calls, and is called."""

    to = Address("", f"{TEAM}/{YUKI}")

    def __init__(self, slack: Workspace) -> None:
        self._slack = slack
        self._events: dict[str, dict[str, Any]] = {}

    def make(self, host: Host) -> Slack:
        self._channel = Slack(settings(self._slack), host)
        return self._channel

    async def offer(self, id_: str, text: str) -> Told:
        event = self._events.setdefault(id_, said(text))
        return told(await call(self._channel, request(event_call(event, f"Ev-{id_}"))))

    async def poison(self, octets: bytes) -> None:
        """Signed all the same: as a whole call, as a form, and as an event of one."""
        inside = b'{"type":"event_callback","team_id":"%s","event":' % TEAM.encode() + octets + b"}"
        message = b'{"type":"message","user":"U0YUKI","channel":"D0","text":' + octets + b"}"
        whole = b'{"type":"event_callback","team_id":"T0DESK","event":' + message + b"}"
        for body in (octets, b"payload=" + octets, inside, whole):
            await call(self._channel, request(body))

    async def trouble(self, how: Trouble | None) -> None:
        if how == "down":
            await self._slack.shut()
            return
        await self._slack.open()
        failures: dict[Trouble, str | int] = {
            "busy": 429, "unwanted": "msg_too_long", "gone": "user_not_found", "vanishes": "vanish",
        }  # fmt: skip
        self._slack.fails = {"chat.postMessage": failures[how]} if how else {}

    def given(self) -> list[Given]:
        return [Given(post["text"], post["client_msg_id"]) for post in self._slack.posted]
