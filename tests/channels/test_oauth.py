"""An access token whenever one is needed: refreshed in time, once, and saved before it is used."""

from __future__ import annotations

import logging
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.oauth import Login
from channels.oauth_endpoint import LoginNeeded, NotNow
from channels.oauth_file import GrantFile
from tests.token_server import SECRET, TokenServer, token_server

MINUTE = timedelta(minutes=1)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, span: timedelta) -> None:
        self.now += span


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as it:
        yield it


@pytest.fixture
def clock() -> Clock:
    return Clock()


def login(server: TokenServer, folder: Path, clock: Clock, **more: Any) -> Login:
    return Login(server.settings(), "mail", folder, clock=clock, **more)


def logged_in(server: TokenServer, folder: Path, clock: Clock) -> Login:
    it = login(server, folder, clock)
    it.keep(server.log_in())
    return it


def test_a_good_token_is_given_without_asking(
    server: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    it = logged_in(server, tmp_path, clock)
    assert it.access() == it.access()
    assert login(server, tmp_path, clock).access() == it.access()
    assert server.asked == []


def test_a_token_that_ends_is_replaced_and_the_rotated_one_saved(
    server: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    it = logged_in(server, tmp_path, clock)
    first = it.access()
    for _ in range(3):
        clock.passes(timedelta(minutes=59))
        assert it.access() != first
    assert server.refreshes() == 3
    kept = GrantFile(tmp_path, "mail").load()
    assert kept is not None
    assert {kept.refresh} == server.refresh


def test_twenty_who_ask_at_once_cause_one_refresh(
    server: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    """Threads that share a log-in, and others that only share its file."""
    logged_in(server, tmp_path, clock)
    clock.passes(timedelta(hours=2))
    logins = [login(server, tmp_path, clock) for _ in range(4)] * 5
    with ThreadPoolExecutor(20) as pool:
        found = set(pool.map(Login.access, logins))
    assert len(found) == 1
    assert server.refreshes() == 1


def test_a_token_that_a_server_refused_is_replaced_once(
    server: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    it, other = logged_in(server, tmp_path, clock), login(server, tmp_path, clock)
    bad = it.access()
    assert other.access() == bad
    fresh = it.access(refused=bad)
    assert fresh != bad
    assert other.access(refused=bad) == fresh
    assert server.refreshes() == 1


def test_a_revoked_log_in_is_trouble_and_tried_once_in_five_minutes(
    server: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    """I14: whoever asks, in whichever process, and also after a restart."""
    it = logged_in(server, tmp_path, clock)
    server.revoke()
    clock.passes(timedelta(hours=2))
    for _ in range(10):
        clock.passes(timedelta(seconds=29))
        for one in (it, login(server, tmp_path, clock)):
            with pytest.raises(LoginNeeded, match="madoguchi login mail"):
                one.access()
    assert server.refreshes() == 1
    assert it.health().state == "dead"
    clock.passes(timedelta(seconds=40))
    with pytest.raises(LoginNeeded):
        it.access()
    assert server.refreshes() == 2


def test_a_new_log_in_ends_the_trouble_of_a_running_daemon_at_once(
    server: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    it = logged_in(server, tmp_path, clock)
    server.revoke()
    clock.passes(timedelta(hours=2))
    with pytest.raises(LoginNeeded):
        it.access()
    logged_in(server, tmp_path, clock)
    assert it.access() in server.good
    assert it.health().state == "good"


def test_who_never_logged_in_is_told_the_command(
    server: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    with pytest.raises(LoginNeeded, match="run: madoguchi login mail"):
        login(server, tmp_path, clock).access()
    assert server.asked == []


@pytest.mark.parametrize("reply", [(503, {}), (429, {}), (500, {"error": "server_error"})])
def test_a_provider_that_is_away_is_asked_ever_more_rarely(
    server: TokenServer, tmp_path: Path, clock: Clock, reply: tuple[int, dict[str, Any]]
) -> None:
    it = logged_in(server, tmp_path, clock)
    clock.passes(timedelta(hours=2))
    server.next = [reply] * 100
    for _ in range(3600):
        clock.passes(timedelta(seconds=1))
        with pytest.raises(NotNow):
            it.access()
    assert 12 <= server.refreshes() <= 20
    server.next = []
    clock.passes(timedelta(minutes=5))
    assert it.access() in server.good


def test_a_clock_that_was_set_back_does_not_make_a_pause_longer(
    server: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    """A machine that woke up in the wrong year, and learnt the time while the provider was away."""
    it = logged_in(server, tmp_path, clock)
    first = it.access()
    clock.passes(timedelta(days=365))
    server.next = [(503, {})]
    with pytest.raises(NotNow):
        it.access()
    clock.passes(timedelta(days=-364))
    assert it.access() not in {"", first}


def test_while_the_provider_is_away_the_token_serves_to_its_last_second(
    server: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    it = logged_in(server, tmp_path, clock)
    first = it.access()
    server.next = [(503, {})] * 9
    clock.passes(timedelta(minutes=59, seconds=30))
    assert it.access() == first
    clock.passes(timedelta(seconds=30))
    with pytest.raises(NotNow):
        it.access()


def test_a_provider_that_cannot_be_reached_is_not_a_reason_to_log_in_again(
    tmp_path: Path, clock: Clock
) -> None:
    with token_server() as gone:
        it = logged_in(gone, tmp_path, clock)
    clock.passes(timedelta(hours=2))
    with pytest.raises(NotNow, match=r"127\.0\.0\.1 does not answer"):
        it.access()
    assert it.health().state == "good"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ({"error": "invalid_grant"}, "no longer accepts this log-in"),
        ({"error": "invalid_client"}, "client_secret is wrong"),
        (
            {"error": "invalid_client", "error_description": "AADSTS7000222: The provided …"},
            "client_secret has expired; make a new one",
        ),
        (
            {"error": "invalid_grant", "error_description": "AADSTS50173: FreshTokenNeeded"},
            "the password was changed",
        ),
        ({"error": "<b>\nwhatever"}, "the provider refuses (127.0.0.1: an error)"),
    ],
)
def test_a_refusal_is_one_sentence_and_never_the_provider_s_own(
    server: TokenServer, tmp_path: Path, clock: Clock, reply: dict[str, str], said: str
) -> None:
    """Its description may repeat what we sent."""
    it = logged_in(server, tmp_path, clock)
    clock.passes(timedelta(hours=2))
    server.next = [(400, {"error_description": "token ref-1234 is bad"} | reply)]
    with pytest.raises(LoginNeeded) as error:
        it.access()
    assert said in str(error.value)
    assert "ref-" not in str(error.value)
    assert "\n" not in str(error.value)


def test_the_file_is_ours_alone_and_holds_a_strange_channel_name(
    server: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    it = Login(server.settings(), "../窓口/a", tmp_path / "oauth", clock=clock)
    it.keep(server.log_in())
    [path] = (tmp_path / "oauth").glob("*.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert it.health().state == "good"


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"access": 1}', b"[1]"])
def test_a_damaged_file_asks_for_a_log_in_and_breaks_nothing(
    server: TokenServer, tmp_path: Path, clock: Clock, damage: bytes
) -> None:
    logged_in(server, tmp_path, clock)
    (tmp_path / "mail.json").write_bytes(damage)
    it = login(server, tmp_path, clock)
    assert it.health().state == "dead"
    with pytest.raises(LoginNeeded):
        it.access()


DYING = """
import os, signal, sys
from pathlib import Path
from channels.oauth import Login
from channels.oauth_settings import OAuth
from datetime import datetime, timedelta, UTC
def die(name):
    assert name == "O1"
    os.kill(os.getpid(), signal.SIGKILL)
later = lambda: datetime.now(UTC) + timedelta(hours=2)
settings = OAuth.model_validate_json(sys.stdin.read())
Login(settings, "mail", Path(sys.argv[1]), clock=later, failpoint=die).access()
"""


@pytest.mark.daemon
@pytest.mark.parametrize("rotates", [False, True])
def test_a_kill_between_the_reply_and_the_save_leaves_the_log_in_as_it_was(
    tmp_path: Path, rotates: bool
) -> None:
    """Enough wherever the old token stays good (Google, Microsoft); else a person is told."""
    with token_server(rotates=rotates) as server:
        it = Login(server.settings(), "mail", tmp_path)
        it.keep(server.log_in())
        saved = (tmp_path / "mail.json").read_bytes()
        command = [sys.executable, "-c", DYING, str(tmp_path)]
        given = server.settings().model_dump_json().encode()
        dead = subprocess.run(command, input=given, check=False, capture_output=True)
        assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()
        assert server.refreshes() == 1
        assert (tmp_path / "mail.json").read_bytes() == saved
        clock = Clock()
        clock.now = datetime.now(UTC) + timedelta(hours=2)
        after = login(server, tmp_path, clock)
        if rotates:
            with pytest.raises(LoginNeeded, match="madoguchi login mail"):
                after.access()
        else:
            assert after.access() in server.good


def test_a_draft_that_a_kill_left_behind_is_written_over(
    server: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    it = logged_in(server, tmp_path, clock)
    (tmp_path / "mail.new").write_bytes(b'{"half": ')
    os.truncate(tmp_path / "mail.lock", 0)
    clock.passes(timedelta(hours=2))
    assert it.access() in server.good


def test_no_token_and_no_secret_is_ever_in_a_log(
    server: TokenServer, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """G01: at any level, of ours and of the libraries; nor in what an error says."""
    caplog.set_level(logging.DEBUG)
    it = logged_in(server, tmp_path, clock)
    clock.passes(timedelta(hours=2))
    it.access()
    server.revoke()
    clock.passes(timedelta(hours=2))
    with pytest.raises(LoginNeeded) as error:
        it.access()
    said = f"{caplog.text} {error.value!r} {error.value.__cause__!r} {it.settings!r}"
    assert caplog.records
    assert not any(word in said for word in ("acc-", "ref-", SECRET))
