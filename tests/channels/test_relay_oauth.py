"""Logging in at a smarthost with a token (XOAUTH2), and never too often with anything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtplib import SMTPAuthenticationError

from channels.base import ChannelDown
from channels.oauth import Login
from channels.relay import Probe, Relay
from channels.relay.dial import REFUSED_PAUSE, Dial, hang_up
from tests.channels.smtp_sink import SECRET, sink, smarthost
from tests.channels.test_mail_out_smarthost import MAIL
from tests.token_server import TokenServer, token_server

USER = "us@example.com"
PROBE = Probe("support@example.com", "support+check@example.com")


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as it:
        yield it


def login(server: TokenServer, folder: Path) -> Login:
    it = Login(server.settings(), "mail", folder)
    it.keep(server.log_in())
    return it


async def test_mail_goes_out_by_a_token(server: TokenServer, tmp_path: Path) -> None:
    known = login(server, tmp_path)
    async with sink(plain_auth=True) as (it, port), smarthost(port, user=USER, login=known) as out:
        it.tokens = server.good
        await out.deliver(MAIL)
        assert f"logged in as {USER}" in await out.check(PROBE)
    assert {user for user, _ in it.logins} == {USER.encode()}
    assert len(it.mails) == 1


async def test_a_token_that_was_ended_early_is_replaced_once(
    server: TokenServer, tmp_path: Path
) -> None:
    known = login(server, tmp_path)
    server.expire()
    async with sink(plain_auth=True) as (it, port), smarthost(port, user=USER, login=known) as out:
        it.tokens = server.good
        await out.deliver(MAIL)
    assert len(it.logins) == 2
    assert server.refreshes() == 1


async def test_a_revoked_log_in_names_the_command_and_leaves_both_servers_in_peace(
    server: TokenServer, tmp_path: Path
) -> None:
    """I14: one try at the smarthost and one at the provider, however many mails wait."""
    known = login(server, tmp_path)
    server.revoke()
    async with sink(plain_auth=True) as (it, port), smarthost(port, user=USER, login=known) as out:
        ends = await asyncio.gather(*(out.deliver(MAIL) for _ in range(20)), return_exceptions=True)
        ends += await asyncio.gather(*(out.deliver(MAIL) for _ in range(5)), return_exceptions=True)
        assert {type(end) for end in ends} == {ChannelDown}
        assert "madoguchi login mail" in str(ends[0])
        assert known.health().state == "dead"
        assert len(it.logins) == 1
        assert server.refreshes() == 1
        known.keep(server.log_in())
        it.tokens = server.good
        await out.deliver(MAIL)
    assert len(it.mails) == 1


async def test_who_never_logged_in_does_not_even_connect(
    server: TokenServer, tmp_path: Path
) -> None:
    known = Login(server.settings(), "mail", tmp_path)
    async with sink() as (it, port), smarthost(port, user=USER, login=known) as out:
        with pytest.raises(ChannelDown, match="madoguchi login mail"):
            await out.check(PROBE)
    assert it.connections == 0


async def test_a_password_beside_the_oauth_table_is_the_smarthost_s(
    server: TokenServer, tmp_path: Path
) -> None:
    """The mailbox at Google, mail out through another provider."""
    known = login(server, tmp_path)
    async with (
        sink(plain_auth=True) as (it, port),
        smarthost(port, user=USER, password=SECRET, login=known) as out,
    ):
        await out.deliver(MAIL)
    assert it.logins == [(USER.encode(), SECRET.encode())]


async def test_a_smarthost_without_xoauth2_is_told(server: TokenServer, tmp_path: Path) -> None:
    known = login(server, tmp_path)
    async with sink() as (_, port), smarthost(port, user=USER, login=known) as out:
        with pytest.raises(ChannelDown, match=r"no log-in with OAuth2 \(XOAUTH2\)"):
            await out.check(PROBE)


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _dial(port: int, time: Time, login: Login | None = None) -> Dial:
    password = "" if login else "wrong"
    relay = Relay.parse(f"smtp://us@127.0.0.1:{port}?tls=none", password, by_token=bool(login))
    return Dial(relay, "mx.example.com", login, clock=time)


async def _tries(dial: Dial, count: int) -> set[type[BaseException]]:
    ends = await asyncio.gather(*(dial.open() for _ in range(count)), return_exceptions=True)
    return {type(end) for end in ends if isinstance(end, BaseException)}


async def test_a_refused_password_is_tried_once_in_five_minutes() -> None:
    """I14: some servers lock an account after a few."""
    time = Time()
    async with sink(plain_auth=True) as (it, port):
        dial = _dial(port, time)
        assert await _tries(dial, 5) == {SMTPAuthenticationError, ChannelDown}
        time.now = REFUSED_PAUSE - 1
        assert await _tries(dial, 5) == {ChannelDown}
        assert len(it.logins) == 1
        time.now = REFUSED_PAUSE
        await _tries(dial, 5)
    assert len(it.logins) == 2


async def test_a_new_token_that_is_refused_too_is_not_replaced_for_ever(
    server: TokenServer, tmp_path: Path
) -> None:
    """The provider gives tokens, but the smarthost is switched off for this mailbox."""
    time, known = Time(), login(server, tmp_path)
    async with sink(plain_auth=True) as (it, port):
        dial = _dial(port, time, known)
        for _ in range(12):
            await _tries(dial, 3)
            time.now += REFUSED_PAUSE
    assert server.refreshes() == 1
    assert len(it.logins) == 1 + 12


async def test_a_server_that_is_busy_is_no_refusal() -> None:
    time, busy = Time(), True

    async with sink(plain_auth=True, auth_exclude_mechanism=["LOGIN"]) as (it, port):
        dial = _dial(port, time)

        async def auth(*_: object) -> str:
            return "454 4.7.0 busy" if busy else "235 2.7.0 fine"

        it.handle_AUTH = auth  # type: ignore[attr-defined]  # aiosmtpd finds it by this name
        assert await _tries(dial, 1) == {SMTPAuthenticationError}
        busy = False
        client = await dial.open()
        await hang_up(client)
