"""A real Matrix homeserver, Synapse on SQLite, and people who write by it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import pytest

from tests.daemon.servers import free_port, log_tail, stop, wait_until

NAME = "desk.test"  # the homeserver's; it resolves nowhere, and need not
_numbers = count(1)
_FAST = {"per_second": 100_000, "burst_count": 100_000}
_LIMITS = ("rc_message", "rc_registration", "rc_joins_per_room", "rc_admin_redaction")
_LIMITS_OF_MANY = {
    "rc_login": ("address", "account", "failed_attempts"),
    "rc_joins": ("local", "remote"),
    "rc_invites": ("per_room", "per_user", "per_issuer"),
}


class MatrixError(Exception):
    """What the homeserver refuses."""

    def __init__(self, status: int, said: dict[str, Any]) -> None:
        super().__init__(status, said)
        self.status, self.said = status, said


class Person(NamedTuple):
    """Somebody with an account on a homeserver."""

    url: str
    user: str
    token: str

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
        """One request below /_matrix/client/v3. Raises MatrixError."""
        asked = f"/_matrix/client/v3{path}?{urlencode(query)}"
        return call(self.url, method, asked, body, self.token)

    def chat_with(self, *others: str, direct: bool = True, **more: Any) -> str:
        """A new room, to which the others are invited."""
        facts = {"invite": others, "is_direct": direct, "preset": "private_chat"}
        return str(self.ask("POST", "/createRoom", facts | more)["room_id"])

    def put(self, room: str, content: dict[str, Any], kind: str = "m.room.message",
            transaction: str = "") -> str:  # fmt: skip
        name = quote(transaction or f"t{next(_numbers)}", safe="")
        path = f"/rooms/{quote(room)}/send/{kind}/{name}"
        return str(self.ask("PUT", path, content)["event_id"])

    def say(self, room: str, text: str, transaction: str = "") -> str:
        return self.put(room, {"msgtype": "m.text", "body": text}, transaction=transaction)

    def events(self, room: str, limit: int = 1000) -> list[dict[str, Any]]:
        """What stands in a room, the oldest first."""
        found = self.ask("GET", f"/rooms/{quote(room)}/messages", dir="b", limit=limit)["chunk"]
        return list(reversed(found))

    def members(self, room: str) -> set[str]:
        return set(self.ask("GET", f"/rooms/{quote(room)}/joined_members")["joined"])

    def upload(self, data: bytes, content_type: str) -> str:
        path = "/_matrix/media/v3/upload"
        return str(call(self.url, "POST", path, data, self.token, content_type)["content_uri"])


def call(
    url: str, method: str, path: str, body: Any = None, token: str = "",
    content_type: str = "application/json",
) -> dict[str, Any]:  # fmt: skip
    """One request. Raises MatrixError."""
    data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    headers = {"Content-Type": content_type} | (
        {"Authorization": f"Bearer {token}"} if token else {}
    )
    asked = Request(url + path, data if method != "GET" else None, headers, method=method)
    try:
        with urlopen(asked, timeout=60) as reply:
            found: dict[str, Any] = json.load(reply)
            return found
    except HTTPError as error:
        with error:
            raise MatrixError(error.code, json.load(error)) from None


class Synapse(NamedTuple):
    """A homeserver that is up."""

    url: str

    def person(self, name: str = "") -> Person:
        """A new account."""
        name = name or f"user{next(_numbers)}"
        facts = {"username": name, "password": "for-tests-only"}
        auth = {"auth": {"type": "m.login.dummy"}}
        said = call(self.url, "POST", "/_matrix/client/v3/register", facts | auth)
        return Person(self.url, said["user_id"], said["access_token"])


def home() -> Path:
    """Where Synapse is, installed if need be; a test that cannot have it is skipped, not in CI."""
    script = Path(__file__).parents[1] / "synapse.sh"
    environment = os.environ | {"PYTHON": sys.executable}
    found = subprocess.run(
        ["sh", str(script)], env=environment, check=False, capture_output=True, text=True
    )
    if found.returncode:
        missing = f"Synapse cannot be installed: {found.stderr[-300:]}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    return Path(found.stdout.strip())


@contextmanager
def synapse() -> Iterator[Synapse]:
    """Synapse in a folder that goes away with it, without limits on how fast people write."""
    python = home() / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="madoguchi-synapse-") as folder:
        port = free_port()
        config = Path(folder) / "homeserver.yaml"
        config.write_text(json.dumps(_config(folder, port)), encoding="utf-8")
        command = [str(python), "-m", "synapse.app.homeserver", "-c", str(config)]
        subprocess.run([*command, "--generate-keys"], check=True, capture_output=True, cwd=folder)
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        server = Synapse(f"http://127.0.0.1:{port}")
        try:
            wait_until(lambda: _is_up(server, process, Path(folder)), 120, "Synapse answers")
            yield server
        finally:
            stop(process)


def _is_up(server: Synapse, process: subprocess.Popen[bytes], folder: Path) -> bool:
    if process.poll() is not None:
        raise ChildProcessError(f"Synapse ended:\n{log_tail(folder / 'log')}")
    try:
        return "versions" in call(server.url, "GET", "/_matrix/client/versions")
    except (URLError, OSError):
        return False


def _config(folder: str, port: int) -> dict[str, Any]:
    """YAML is JSON, too."""
    quiet = {
        "version": 1,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "root": {"level": "WARNING", "handlers": ["console"]},
        "disable_existing_loggers": False,
    }
    (Path(folder) / "log.yaml").write_text(json.dumps(quiet), encoding="utf-8")
    listener = {
        "port": port, "bind_addresses": ["127.0.0.1"], "type": "http", "tls": False,
        "resources": [{"names": ["client"], "compress": False}],
    }  # fmt: skip
    limits: dict[str, Any] = dict.fromkeys(_LIMITS, _FAST)
    limits |= {name: dict.fromkeys(of, _FAST) for name, of in _LIMITS_OF_MANY.items()}
    return limits | {
        "server_name": NAME,
        "pid_file": f"{folder}/pid",
        "listeners": [listener],
        "database": {"name": "sqlite3", "args": {"database": f"{folder}/homeserver.db"}},
        "log_config": f"{folder}/log.yaml",
        "media_store_path": f"{folder}/media",
        "signing_key_path": f"{folder}/signing.key",
        "enable_registration": True,
        "enable_registration_without_verification": True,
        "registration_shared_secret": "for-tests-only",
        "macaroon_secret_key": "for-tests-only",
        "form_secret": "for-tests-only",
        "trusted_key_servers": [],
        "report_stats": False,
        "presence": {"enabled": False},
        "bcrypt_rounds": 4,
        "caches": {"sync_response_cache_duration": "0s"},  # what is asked twice is looked up twice
    }
