"""A mailbox that opens to a token only: a real Dovecot that asks a provider about each."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from channels.base import ChannelDown
from channels.imap import Imap, probe
from channels.oauth import Login
from tests.channels.imap_box import Ledger, channel, reading, settings, until_true
from tests.daemon.dovecot import PASSWORD, Dovecot, dovecot
from tests.daemon.servers import require
from tests.making import mail
from tests.token_server import SECRET, TokenServer, token_server

pytestmark = pytest.mark.daemon

PASSDB = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {file}
}}
passdb {{
  driver = static
  args = password={password}
}}
"""
# Dovecot lets an address wait ever longer after refused log-ins; a test has no time for that.
NO_PENALTY = """
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""
ASKS = """
tokeninfo_url = {url}/tokeninfo?access_token=
username_attribute = email
"""


@contextmanager
def box(server: TokenServer, more: str = "") -> Iterator[Dovecot]:
    """A Dovecot that believes the provider; a password is for the test's own visits."""
    folder = Path(tempfile.mkdtemp(prefix="madoguchi-oauth-"))
    folder.chmod(0o755)  # its processes have users of their own
    asks = folder / "oauth2.conf"
    asks.write_text(ASKS.format(url=server.url), "utf-8")
    asks.chmod(0o644)
    try:
        with dovecot(NO_PENALTY + more, PASSDB.format(file=asks, password=PASSWORD)) as it:
            yield it
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def provider() -> Iterator[TokenServer]:
    with token_server() as it:
        yield it


@pytest.fixture(scope="module")
def shared(provider: TokenServer) -> Iterator[Dovecot]:
    require("dovecot")
    with box(provider) as it:
        yield it


@pytest.fixture
def server(provider: TokenServer) -> TokenServer:
    """The provider as if nobody had asked it before."""
    provider.revoke()
    provider.asked.clear()
    provider.next.clear()
    return provider


def oauth(server: TokenServer) -> dict[str, object]:
    return {"oauth": server.table() | {"client_secret": SECRET}, "password": "", "timeout": 20}


def logged_in(server: TokenServer, folder: Path) -> Login:
    it = Login(server.settings(), "support", folder / "oauth")
    it.keep(server.log_in())
    return it


def end_sessions(server: Dovecot) -> None:
    """What a provider does when a token ends; the mailbox waits for news meanwhile."""
    config = str(server.folder / "dovecot.conf")
    kick = ["doveadm", "-c", config, "kick", "support"]
    subprocess.run(kick, check=True, capture_output=True, timeout=20)


async def ended(server: Dovecot, it: Imap) -> None:
    """Only a mailbox that is idle can be ended while it is."""
    assert it._mailbox is not None
    connection = it._mailbox._connection
    await asyncio.to_thread(end_sessions, server)
    mailbox = it._mailbox
    await until_true(lambda: mailbox._connection is not connection)


def letter(number: int) -> bytes:
    return mail(Message_ID=f"<{number}@example.jp>", subject=f"question {number}")


async def test_a_mailbox_is_read_by_a_token(
    server: TokenServer, shared: Dovecot, tmp_path: Path
) -> None:
    logged_in(server, tmp_path)
    ledger = Ledger()
    async with reading(shared.imap, tmp_path, ledger, **oauth(server)) as it:
        await until_true(lambda: it.ready)
        shared.deliver(letter(1))
        await ledger.holds(1)
        assert "logged in as support" in await it.check()
        health = it.login_health()
    assert health is not None
    assert health.state == "good"
    assert server.refreshes() == 0


async def test_a_server_that_knows_the_standard_only_is_spoken_to_by_the_standard(
    server: TokenServer, tmp_path: Path
) -> None:
    """OAUTHBEARER, RFC 7628; a refused token there ends well, too."""
    require("dovecot")
    logged_in(server, tmp_path)
    server.expire()
    ledger = Ledger()
    with box(server, "auth_mechanisms = plain login oauthbearer\n") as it:
        it.deliver(letter(1))
        async with reading(it.imap, tmp_path, ledger, **oauth(server)):
            await ledger.holds(1)
    assert server.refreshes() == 1


async def test_a_token_that_ends_while_we_wait_for_mail_is_renewed_and_the_mail_found(
    server: TokenServer, shared: Dovecot, tmp_path: Path
) -> None:
    """Providers end the connection with the token."""
    logged_in(server, tmp_path)
    ledger = Ledger()
    async with reading(shared.imap, tmp_path, ledger, **oauth(server)) as it:
        shared.deliver(letter(2))
        await until_true(lambda: any(b"question 2" in content for content in ledger.contents))
        server.expire()
        await ended(shared, it)
        shared.deliver(letter(3))
        await until_true(lambda: any(b"question 3" in content for content in ledger.contents))
        assert it.trouble == ""
    assert server.refreshes() == 1


async def test_a_log_in_that_was_taken_back_is_trouble_until_a_person_logs_in(
    server: TokenServer, shared: Dovecot, tmp_path: Path
) -> None:
    """I14: one try, a word for a person, and then on by itself."""
    logged_in(server, tmp_path)
    ledger = Ledger()
    async with reading(shared.imap, tmp_path, ledger, **oauth(server)) as it:
        await until_true(lambda: it.ready)
        server.revoke()
        await ended(shared, it)
        await until_true(lambda: it.trouble != "")
        assert "madoguchi login support" in it.trouble
        assert "no longer accepts this log-in" in it.trouble
        with pytest.raises(ChannelDown, match="madoguchi login support"):
            await it.check()
        assert server.refreshes() == 1
        shared.deliver(letter(4))
        logged_in(server, tmp_path)
        await until_true(lambda: it.trouble == "")
        await until_true(lambda: any(b"question 4" in content for content in ledger.contents))
    assert server.refreshes() == 1


async def test_a_mailbox_that_nobody_has_logged_in_to_says_so(
    server: TokenServer, shared: Dovecot, tmp_path: Path
) -> None:
    async with reading(shared.imap, tmp_path, Ledger(), **oauth(server)) as it:
        await until_true(lambda: it.trouble != "")
        assert it.trouble == "nobody has logged in yet; run: madoguchi login support"
        assert not it.ready


async def test_a_provider_that_is_away_is_no_trouble_of_a_person_s(
    server: TokenServer, shared: Dovecot, tmp_path: Path
) -> None:
    logged_in(server, tmp_path)
    server.expire()
    server.next = [(503, {})] * 3
    it = channel(shared.imap, tmp_path, Ledger(), **oauth(server))
    with pytest.raises(ChannelDown, match=r"127\.0\.0\.1 answered 503"):
        await it.check()
    health = it.login_health()
    assert health is not None
    assert health.state == "good"
    await it.close()


async def test_a_server_without_oauth_is_told(tmp_path: Path, server: TokenServer) -> None:
    require("dovecot")
    logged_in(server, tmp_path)
    with dovecot("auth_mechanisms = plain\n") as plain:
        it = channel(plain.imap, tmp_path, Ledger(), **oauth(server))
        with pytest.raises(ChannelDown, match="offers no log-in with OAuth2"):
            await it.check()
        await it.close()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name unknown"), "a typing error in host"),
        (socket.gaierror(socket.EAI_AGAIN, "later"), "this machine's resolver"),
        (ConnectionRefusedError(111, "refused"), "look at host and port"),
        (TimeoutError("timed out"), "a firewall"),
        (OSError(101, "Network is unreachable"), "this machine's network"),
    ],
)
def test_a_mailbox_that_cannot_be_reached_is_told_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", broken)
    with pytest.raises(ChannelDown, match="cannot be reached") as found:
        probe.look(settings(143), None)
    assert said in str(found.value)
