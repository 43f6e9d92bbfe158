"""A strict double of Telegram's Bot API: an update comes again until an offset has passed it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

TOKEN = "4242:for-tests-only"


class Call(NamedTuple):
    """One call of a method, with its fields; a file is its name and its octets."""

    method: str
    fields: dict[str, Any]


class Refusal(NamedTuple):
    """How a method fails: `status` 0 closes the connection once the call is here."""

    status: int
    description: str = ""
    parameters: dict[str, int] | None = None


class BotServer:
    """What waits for the bot, what it did, and how it shall be refused, by method."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.waiting: list[dict[str, Any]] = []
        self.confirmed: list[int] = []
        self.given: list[int] = []
        self.calls: list[Call] = []
        self.refusals: dict[str, Refusal] = {}
        self.files: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.webhook: dict[str, Any] = {"url": "", "pending_update_count": 0}
        self.confirming: Callable[[list[int]], None] = lambda _: None
        self.polls = 0
        self.url = ""
        self._next = 1000

    def put(self, *updates: dict[str, Any]) -> None:
        with self.changed:
            self.waiting += updates
            self.changed.notify_all()

    def said(self, method: str = "sendMessage") -> list[dict[str, Any]]:
        return [call.fields for call in self.calls if call.method == method]

    def answer(self, method: str, fields: dict[str, Any]) -> Any:
        """The result of one call; KeyError for a method that this double does not know."""
        return getattr(self, f"_{method}")(fields)

    def _getUpdates(self, fields: dict[str, Any]) -> Any:  # noqa: N802  as Telegram says it
        offset, wait = int(fields.get("offset") or 0), float(fields.get("timeout") or 0)
        with self.changed:
            self.polls += 1
            done = [u["update_id"] for u in self.waiting if u["update_id"] < offset]
            self.confirming(done)
            self.confirmed += done
            self.waiting = [u for u in self.waiting if u["update_id"] >= offset]
            self.changed.wait_for(lambda: bool(self.waiting), min(wait, 2))
            found = self.waiting[:100]
            self.given += [u["update_id"] for u in found]
            return found

    def _sent(self, fields: dict[str, Any]) -> Any:
        self._next += 1
        chat = {"id": int(fields["chat_id"]), "type": "private", "first_name": "Yuki"}
        return {"message_id": self._next, "date": int(time.time()), "chat": chat, "text": "…"}

    _sendMessage = _sendPhoto = _sendDocument = _sent  # noqa: N815

    def _getMe(self, _: Any) -> Any:  # noqa: N802
        return {"id": 4242, "is_bot": True, "first_name": "Desk", "username": "desk_bot",
                "can_join_groups": True}  # fmt: skip

    def _getWebhookInfo(self, _: Any) -> Any:  # noqa: N802
        return {"has_custom_certificate": False, **self.webhook}

    def _setWebhook(self, fields: dict[str, Any]) -> Any:  # noqa: N802
        self.webhook["url"] = fields["url"]
        return True

    def _deleteWebhook(self, _: Any) -> Any:  # noqa: N802
        self.webhook["url"] = ""
        self.refusals.pop("getUpdates", None)
        return True

    def _answerCallbackQuery(self, _: Any) -> Any:  # noqa: N802
        return True

    def _leaveChat(self, _: Any) -> Any:  # noqa: N802
        return True

    def _getFile(self, fields: dict[str, Any]) -> Any:  # noqa: N802
        id_ = fields["file_id"]
        size = self.sizes.get(id_, len(self.files.get(id_, b"")))
        return {"file_id": id_, "file_unique_id": id_, "file_size": size, "file_path": f"f/{id_}"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def do_POST(self) -> None:
        bot, body = self.server.bot, self._body()
        _, token, method = self.path.split("/")
        fields = _fields(self.headers.get("Content-Type", ""), body)
        bot.calls.append(Call(method, fields))
        refusal = bot.refusals.get(method)
        if token != f"bot{TOKEN}":
            refusal = Refusal(401, "Unauthorized")
        if refusal is None:
            self._say(200, {"ok": True, "result": bot.answer(method, fields)})
        elif refusal.status == 0:
            self.close_connection = True
        else:
            more = {"parameters": refusal.parameters} if refusal.parameters else {}
            told = {"ok": False, "error_code": refusal.status, "description": refusal.description}
            self._say(refusal.status, told | more)

    def do_GET(self) -> None:
        found = self.server.bot.files.get(self.path.rpartition("/")[2])
        self._send(404 if found is None else 200, found or b"")

    def _say(self, status: int, told: dict[str, Any]) -> None:
        self._send(status, json.dumps(told).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        read = bytearray()
        while size := int(self.rfile.readline(), 16):
            read += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(read)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:  # the bot was killed in the middle of a call
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, bot: BotServer) -> None:
        self.bot = bot
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        return


def _fields(content_type: str, body: bytes) -> dict[str, Any]:
    if not content_type.startswith("multipart/"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    whole = message_from_bytes(
        f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=policy.HTTP
    )
    found: dict[str, Any] = {}
    for part in whole.iter_parts():
        name, file = part.get_param("name", header="content-disposition"), part.get_filename()
        octets = part.get_payload(decode=True)
        assert isinstance(octets, bytes)
        found[str(name)] = (file, octets) if file else octets.decode()
    return found


@contextmanager
def bot_server() -> Iterator[BotServer]:
    """The double on a port of its own; `url` is where it listens."""
    bot = BotServer()
    server = _Http(bot)
    bot.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield bot
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def pressed(number: int, data: str, label: str, *, on: int = 1001, who: int = 77) -> dict[str, Any]:
    """Somebody pressed a button below the message of ours with the number `on`."""
    ours = {
        "message_id": on,
        "from": {"id": 4242, "is_bot": True, "first_name": "Desk"},
        "chat": {"id": who, "first_name": "Yuki", "type": "private"},
        "date": int(time.time()),
        "reply_markup": {"inline_keyboard": [[{"text": label, "callback_data": data}]]},
    }
    by = {"id": who, "is_bot": False, "first_name": "Yuki", "language_code": "en"}
    query = {"id": f"q{number}", "from": by, "message": ours, "chat_instance": "1", "data": data}
    return {"update_id": number, "callback_query": query}


def update(number: int, text: str = "hello", *, who: int = 77, **more: Any) -> dict[str, Any]:
    """A message from a private chat, as the Bot API writes it; `more` is added to the message."""
    sender = {"id": who, "is_bot": False, "first_name": "Yuki", "language_code": "en"}
    message: dict[str, Any] = {
        "message_id": number,
        "from": sender,
        "chat": {"id": who, "first_name": "Yuki", "type": "private"},
        "date": int(time.time()),
    }
    return {"update_id": number, "message": message | ({"text": text} if text else {}) | more}
