"""Logging in: with a device code, and with a browser that comes back to loopback."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from channels import oauth_browser, oauth_device
from channels.oauth_browser import Attempt, Loopback
from channels.oauth_device import DeviceCode, Ways
from channels.oauth_endpoint import LoginNeeded, NotNow, Refusal
from channels.oauth_settings import OAuth
from tests.token_server import TokenServer, token_server

PENDING, SLOW = Refusal("authorization_pending", ""), Refusal("slow_down", "")
CODE = DeviceCode("device", "ABCD", "https://example.com", life=900, interval=5)


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as it:
        yield it


class Time:
    """Passes only while somebody waits."""

    def __init__(self, *answers: Exception | dict[str, Any]) -> None:
        self.now = 0.0
        self.waited: list[float] = []
        self.answers = list(answers)

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds

    def ask(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        answer = self.answers.pop(0) if self.answers else PENDING
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def ways(self) -> Ways:
        return Ways(self.ask, lambda: self.now, self.sleep)


def settings() -> OAuth:
    return OAuth(
        client_id="us", token="https://example.com/t", device="https://x.example", scope="m"
    )


def test_a_device_code_ends_in_tokens(server: TokenServer) -> None:
    server.pending = 2
    waits = Time()
    ways = Ways(clock=lambda: waits.now, sleep=waits.sleep)
    code = oauth_device.begin(server.settings(), ways)
    assert (code.user_code, code.url) == ("ABCD-1234", f"{server.url}/enter")
    reply = oauth_device.finish(server.settings(), code, ways)
    assert reply["refresh_token"] in server.refresh
    assert waits.waited == [1, 1, 1]


def test_we_ask_at_the_pace_that_the_provider_wants() -> None:
    """RFC 8628 section 3.5: five seconds more after slow_down; longer pauses after no answer."""
    it = Time(PENDING, SLOW, PENDING, SLOW, NotNow("away"), {"access_token": "a"})
    assert oauth_device.finish(settings(), CODE, it.ways) == {"access_token": "a"}
    assert it.waited == [5, 5, 10, 10, 15, 30]


@pytest.mark.parametrize("error", ["access_denied", "expired_token", "invalid_grant"])
def test_a_refusal_ends_the_waiting(error: str) -> None:
    it = Time(PENDING, Refusal(error, "no"))
    with pytest.raises(Refusal):
        oauth_device.finish(settings(), CODE, it.ways)
    assert len(it.waited) == 2


def test_nobody_is_waited_for_longer_than_the_code_lives() -> None:
    it = Time()
    with pytest.raises(LoginNeeded, match="in time"):
        oauth_device.finish(settings(), CODE, it.ways)
    assert it.now < CODE.life


@pytest.mark.parametrize("reply", [{}, {"device_code": "d"}, {"device_code": 1, "user_code": 2}])
def test_an_answer_without_a_code_is_told(reply: dict[str, Any]) -> None:
    with pytest.raises(LoginNeeded, match="gave no device code"):
        oauth_device.begin(settings(), Time(reply).ways)


def test_numbers_that_make_no_sense_are_the_usual_ones() -> None:
    told = {"device_code": "d", "user_code": "u", "verification_url": "https://example.com"}
    code = oauth_device.begin(settings(), Time(told | {"interval": "x", "expires_in": None}).ways)
    assert (code.life, code.interval) == (900, 5)
    code = oauth_device.begin(settings(), Time(told | {"interval": 0}).ways)
    assert code.interval == 1


def test_the_challenge_is_the_one_of_the_rfc() -> None:
    """RFC 7636 appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    attempt = Attempt("http://127.0.0.1:1", "s", verifier)
    assert attempt.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_each_attempt_has_its_own_secrets() -> None:
    one, two = Attempt.new("x"), Attempt.new("x")
    assert one.state != two.state
    assert one.verifier != two.verifier
    assert 43 <= len(one.verifier) <= 128


def test_google_is_asked_for_a_refresh_token_and_the_right_account() -> None:
    google = OAuth(provider="google", client_id="us")
    url = oauth_browser.address(google, Attempt.new("http://127.0.0.1:1"), "support@example.com")
    query = parse_qs(urlsplit(url).query)
    assert url.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    assert query["access_type"] == ["offline"]
    assert query["prompt"] == ["consent"]
    assert query["login_hint"] == ["support@example.com"]
    assert query["scope"] == ["https://mail.google.com/"]


def test_microsoft_is_asked_in_its_tenant() -> None:
    microsoft = OAuth(provider="microsoft", client_id="us", tenant="example.com")
    known = microsoft.known
    for url in (known.authorization, known.token, known.device):
        assert url.startswith("https://login.microsoftonline.com/example.com/oauth2/v2.0/")
    assert "offline_access" in known.scope


@pytest.mark.parametrize(
    "table",
    [
        {"client_id": "us"},
        {"client_id": "us", "token": "https://x.example"},
        {"client_id": "us", "provider": "google", "token": "http://x.example/token"},
        {"client_id": "us", "provider": "microsoft", "tenant": "../evil"},
        {"provider": "google", "client_id": ""},
    ],
)
def test_a_table_that_cannot_work_is_refused(table: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"validation error"):
        OAuth.model_validate(table)


@contextmanager
def waiting(
    server: TokenServer, attempt: list[Attempt], typed: int | None = None
) -> Iterator[tuple[Loopback, Future[str]]]:
    """Somebody who waits for a browser, and what comes of it."""
    loopback = Loopback("127.0.0.1", typed=typed)
    attempt.append(Attempt.new(loopback.redirect))
    judge: Callable[[str], str] = partial(oauth_browser.code, attempt[0], host="127.0.0.1")
    with ThreadPoolExecutor(1) as pool:
        yield loopback, pool.submit(loopback.wait, judge, 20)
    loopback.close()


def test_a_browser_comes_back_with_a_code_that_only_we_can_use(server: TokenServer) -> None:
    attempt: list[Attempt] = []
    with waiting(server, attempt) as (_, found):
        url = oauth_browser.address(server.settings(), attempt[0])
        page = httpx.get(url, follow_redirects=True)
        assert page.status_code == 200
        assert "logged in" in page.text
        code = found.result(20)
    stolen = attempt[0]._replace(verifier=Attempt.new("").verifier)
    server.codes["copy"] = server.codes[code]
    with pytest.raises(Refusal):
        oauth_browser.exchange(server.settings(), stolen, "copy")
    reply = oauth_browser.exchange(server.settings(), attempt[0], code)
    assert reply["refresh_token"] in server.refresh
    digest = hashlib.sha256(attempt[0].verifier.encode()).digest()
    assert server.opened["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert server.opened["code_challenge_method"] == "S256"


def test_an_icon_or_a_scanner_does_not_use_up_the_one_request(server: TokenServer) -> None:
    attempt: list[Attempt] = []
    with waiting(server, attempt) as (loopback, found):
        port = urlsplit(loopback.redirect).port
        assert httpx.get(f"{loopback.redirect}/favicon.ico").status_code == 404
        assert httpx.get(f"{loopback.redirect}/?hello").status_code == 404
        with socket.create_connection(("127.0.0.1", port)) as scanner:
            scanner.sendall(b"\x16\x03\x01\r\n\r\n")
            assert scanner.recv(100).startswith(b"HTTP/1.1 404")
        httpx.get(oauth_browser.address(server.settings(), attempt[0]), follow_redirects=True)
        assert found.result(20)


def test_an_answer_with_another_state_ends_the_attempt(server: TokenServer) -> None:
    """Login CSRF, RFC 8252 section 8.9: the attacker's mailbox must not become ours."""
    attempt: list[Attempt] = []
    with waiting(server, attempt) as (loopback, found):
        page = httpx.get(f"{loopback.redirect}/?code=evil&state=guess")
        assert page.status_code == 400
        with pytest.raises(LoginNeeded, match="does not belong to this log-in"):
            found.result(20)
    with pytest.raises(httpx.ConnectError):
        httpx.get(loopback.redirect)


def test_a_person_who_does_not_agree_is_told_so(server: TokenServer) -> None:
    server.agrees = False
    attempt: list[Attempt] = []
    with waiting(server, attempt) as (_, found):
        url = oauth_browser.address(server.settings(), attempt[0])
        assert httpx.get(url, follow_redirects=True).status_code == 400
        with pytest.raises(Refusal, match="did not agree"):
            found.result(20)


def test_who_sits_at_another_machine_pastes_the_address(server: TokenServer) -> None:
    attempt: list[Attempt] = []
    here, there = os.pipe()
    try:
        with waiting(server, attempt, typed=here) as (_, found):
            url = oauth_browser.address(server.settings(), attempt[0])
            went = httpx.get(url, follow_redirects=False).headers["location"]
            os.write(there, f"\n {went} \n".encode())
            assert found.result(20) in server.codes
    finally:
        os.close(here)
        os.close(there)


def test_a_terminal_that_closes_does_not_end_the_waiting(server: TokenServer) -> None:
    attempt: list[Attempt] = []
    here, there = os.pipe()
    os.close(there)
    with waiting(server, attempt, typed=here) as (_, found):
        url = oauth_browser.address(server.settings(), attempt[0])
        assert httpx.get(url, follow_redirects=True).status_code == 200
        assert found.result(20)
    os.close(here)


def test_nobody_is_waited_for_for_ever() -> None:
    loopback = Loopback("127.0.0.1")
    with pytest.raises(LoginNeeded, match="nobody came back"):
        loopback.wait(str, patience=0.01)
    loopback.close()


def test_only_this_machine_can_come_back() -> None:
    loopback = Loopback("localhost")
    assert loopback._socket.getsockname()[0] == "127.0.0.1"
    loopback.close()
