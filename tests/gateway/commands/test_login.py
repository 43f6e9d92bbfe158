"""`madoguchi login CHANNEL`, from the first word to the channel's first log-in."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from channels.oauth_file import GrantFile
from gateway.cli import app
from gateway.commands import login
from gateway.commands.login import Choice, NotLoggedIn
from gateway.config import Config, load
from gateway.watch.checking import Finding
from tests.channels.smtp_sink import Sink, sink
from tests.making import CONFIG
from tests.token_server import SECRET, TokenServer, token_server

ENVIRONMENT = {"CLIENT_SECRET": SECRET}


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as it:
        yield it


@contextmanager
def smarthost() -> Iterator[tuple[Sink, int]]:
    """A smarthost in a loop of its own, as the command has one, too."""
    found: list[tuple[Sink, int]] = []
    up, over = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    @asynccontextmanager
    async def serving() -> AsyncIterator[None]:
        async with sink(plain_auth=True) as it:
            found.append(it)
            yield

    async def main() -> None:
        async with serving():
            up.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    assert up.wait(20)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()


def config(folder: Path, server: TokenServer, port: int, more: str = "") -> Path:
    send = f"smtp://us@127.0.0.1:{port}?tls=none"
    text = CONFIG.replace('send = "maildir:sent"', f'send = "{send}"\n{server.toml()}')
    path = folder / "config.toml"
    path.write_text(text + more, encoding="utf-8")
    return path


def loaded(folder: Path, server: TokenServer, port: int = 1) -> Config:
    return load(config(folder, server, port), ENVIRONMENT)


class Person:
    """Reads what the command says, and opens the address in a browser."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.browsers: list[threading.Thread] = []

    def hears(self, said: str) -> None:
        self.read.append(said)
        if url := re.search(r"http://\S+/authorize\S+", said):
            visit: Callable[[], object] = lambda: httpx.get(url[0], follow_redirects=True)  # noqa: E731  short
            self.browsers.append(threading.Thread(target=visit))
            self.browsers[-1].start()

    def leaves(self) -> None:
        for browser in self.browsers:
            browser.join(20)


@pytest.mark.parametrize("device", [True, False, None])
def test_a_person_logs_in_and_the_channel_works(
    server: TokenServer, tmp_path: Path, device: bool | None
) -> None:
    person = Person()
    with smarthost() as (it, port):
        it.tokens = server.good
        found = login.login(loaded(tmp_path, server, port), "mail", Choice(device), person.hears)
    person.leaves()
    [said] = found
    assert not said.is_error
    assert "logged in as us" in said.text
    assert GrantFile(tmp_path / "var" / "oauth", "mail").load() is not None
    text = "\n".join(person.read)
    assert ("ABCD-1234" in text) == (device is not False)
    assert ("127.0.0.1" in text) == (device is False) or f"{server.url}/enter" in text


def test_a_log_in_with_which_the_channel_does_not_work_is_told(
    server: TokenServer, tmp_path: Path
) -> None:
    """As when somebody logs in with an account of their own."""
    with smarthost() as (_, port):
        found = login.login(loaded(tmp_path, server, port), "mail", Choice(True), str)
    assert [finding.is_error for finding in found] == [True]
    assert "refuses the log-in of us" in found[0].text


def test_a_person_who_does_not_agree_leaves_what_was_there(
    server: TokenServer, tmp_path: Path
) -> None:
    server.agrees = False
    with pytest.raises(NotLoggedIn, match="did not agree"):
        login.login(loaded(tmp_path, server), "mail", Choice(True), str)
    assert not (tmp_path / "var" / "oauth").exists()


def test_tokens_that_cannot_be_renewed_are_not_kept(server: TokenServer, tmp_path: Path) -> None:
    server.next = [(200, {"access_token": "a"})]
    with pytest.raises(NotLoggedIn, match="gave no refresh token"):
        login.login(loaded(tmp_path, server), "mail", Choice(True), str)


@pytest.mark.parametrize(
    ("name", "choice", "table", "said"),
    [
        ("mial", Choice(), {}, 'there is no channel "mial"; of those with an oauth table, these'),
        ("mail", Choice(device=True), {"device": None}, "use --browser"),
        ("mail", Choice(device=False), {"authorization": None}, "use --device"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_asked(
    server: TokenServer,
    tmp_path: Path,
    name: str,
    choice: Choice,
    table: dict[str, None],
    said: str,
) -> None:
    path = config(tmp_path, server, 1)
    text = path.read_text("utf-8")
    for key in table:
        text = re.sub(rf'{key} = "[^"]*", ', "", text)
    path.write_text(text, "utf-8")
    with pytest.raises(NotLoggedIn, match=said):
        login.login(load(path, ENVIRONMENT), name, choice, str)
    assert server.asked == []


def test_a_channel_without_oauth_is_refused_by_the_command(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    command = ["login", "mail", "-c", str(tmp_path / "config.toml")]
    told = CliRunner().invoke(app, command, catch_exceptions=False)
    assert told.exit_code == 1
    assert 'channel "mail" has no oauth table; no channel has one' in told.stderr


def test_the_command_prints_what_the_check_found(
    tmp_path: Path, server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Finding(False, "channel mail: fine"), Finding(True, "channel mail: but")]
    monkeypatch.setattr(login, "login", lambda *_: found)
    command = ["login", "mail", "--browser", "-c", str(config(tmp_path, server, 1))]
    told = CliRunner(env=ENVIRONMENT).invoke(app, command, catch_exceptions=False)
    assert told.exit_code == 1
    assert told.stdout == "note: channel mail: fine\n"
    assert told.stderr == "error: channel mail: but\n"


def test_a_secret_of_the_registration_never_stands_in_the_file(
    server: TokenServer, tmp_path: Path
) -> None:
    path = config(tmp_path, server, 1)
    path.write_text(path.read_text("utf-8").replace('{ env = "CLIENT_SECRET" }', '"in here"'))
    told = CliRunner().invoke(app, ["check", "-c", str(path)], catch_exceptions=False)
    assert told.exit_code == 1
    assert "client_secret" in told.stderr
    assert "in here" not in told.stderr
