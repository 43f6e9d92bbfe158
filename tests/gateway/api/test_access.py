"""Nothing below /v1 without a token, and no harm from those who guess."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime

import httpx
import pytest

from gateway.api.access import ANEW, FRESH, WRONG, Access, Buckets, TooMany, Unauthorized
from gateway.api.app import Door
from gateway.api.asgi import Message
from gateway.api.reads import Reads
from store import tokens
from store.engine import StoreUnavailable
from tests.gateway.api.conftest import AUTHORIZED, Window, ask

BELOW_V1 = [
    ("GET", "/v1"),
    ("GET", "/v1/"),
    ("GET", "/v1/conversations"),
    ("GET", "/v1/conversations/1"),
    ("GET", "/v1/conversations?limit=nonsense"),
    ("GET", "/v1/cases"),
    ("GET", "/v1/cases/1"),
    ("GET", "/v1/messages/1"),
    ("GET", "/v1/messages/1/raw"),
    ("GET", "/v1/messages/1/parts/2"),
    ("GET", "/v1/events"),
    ("GET", "/v1/nowhere"),
    ("GET", "/v1/../v1/events"),
    ("GET", "/%76%31/events"),
    ("GET", "/v1//events"),
    ("GET", "/./v1/events"),
    ("POST", "/v1/events"),
    ("DELETE", "/v1/messages/1"),
    ("OPTIONS", "/v1/events"),
    ("HEAD", "/v1/events"),
    ("PROPFIND", "/v1/events"),
]


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("method", "path"), BELOW_V1)
async def test_without_a_token_every_path_below_v1_is_401(
    window: Window, method: str, path: str
) -> None:
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}):
        answer = await window.stranger.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        if method != "HEAD":
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == 401


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_no_route_below_v1_was_forgotten(window: Window, method: str) -> None:
    """R22: each route that is served, with each method, with no token and with a wrong one."""
    routes = [path for path in await window.routes() if path.startswith("/v1")]
    assert len(routes) >= 10
    for n, path in enumerate(routes):
        address = re.sub(r"{\w+:int}", "1", path)
        async with window.from_peer(f"198.51.100.{n}") as stranger:  # one that guesses little
            for headers in ({}, {"Authorization": "Bearer wrong"}):
                answer = await stranger.request(method, address, headers=headers)
                assert answer.status_code == 401, (method, address)


async def test_a_doubled_slash_does_not_go_round_the_gate(window: Window) -> None:
    for path in ("//v1/events", "///v1//events/"):
        sent: list[dict[str, object]] = []
        await raw_request(window.app, path, sent)
        assert sent[0]["status"] == 401


async def raw_request(app: Door, path: str, sent: list[dict[str, object]]) -> None:
    """A request whose path no client has tidied up."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "path": path, "raw_path": path.encode(), "root_path": "", "scheme": "http",
        "query_string": b"", "headers": [(b"host", b"window.test")],
        "client": ("192.0.2.1", 1), "server": ("window.test", 80),
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(dict(message))

    await app(scope, receive, send)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_right_token_is_let_in(window: Window, scheme: str) -> None:
    token = AUTHORIZED["Authorization"].split()[1]
    headers = {"Authorization": f"{scheme} {token}"}
    assert (await window.stranger.get("/v1/events", headers=headers)).status_code == 200


async def test_two_tokens_are_none(window: Window) -> None:
    twice = httpx.Headers([("Authorization", AUTHORIZED["Authorization"])] * 2)
    assert (await window.stranger.get("/v1/events", headers=twice)).status_code == 401


async def test_a_token_made_while_we_run_is_known_and_a_revoked_one_is_not(
    window: Window,
) -> None:
    clock, now = Clock(), datetime.now(UTC)
    access = Access(Reads(window.store), clock)
    secret = tokens.new_secret()
    with pytest.raises(Unauthorized):
        await access.check(f"Bearer {secret}", "192.0.2.1")
    token = await window.store.write(lambda c, ch: tokens.create(c, ch, "new", secret, now))
    clock.now += ANEW
    assert await access.check(f"Bearer {secret}", "192.0.2.1") == token
    await window.store.write(lambda c, _: tokens.revoke(c, token.id, now))
    clock.now += FRESH
    with pytest.raises(Unauthorized):
        await access.check(f"Bearer {secret}", "192.0.2.1")


async def test_many_wrong_tokens_from_one_peer_are_429_and_hurt_nobody_else(
    window: Window,
) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    async with (
        window.from_peer("198.51.100.9") as guesser,
        window.from_peer("203.0.113.5") as other,
    ):
        statuses = [
            (await guesser.get("/v1/events", headers=wrong)).status_code for _ in range(100)
        ]
        refused = await guesser.get("/v1/events", headers=wrong)
        assert statuses[:5] == [401] * 5
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) >= 1
        assert (await other.get("/v1/events", headers=wrong)).status_code == 401
        assert (await other.get("/v1/events", headers=AUTHORIZED)).status_code == 200
        # Behind one proxy all have one address: who has the token is let in all the same.
        assert (await guesser.get("/v1/events", headers=AUTHORIZED)).status_code == 200


async def test_nobody_makes_himself_another_peer_with_a_header(window: Window) -> None:
    async with window.from_peer("198.51.100.9") as guesser:
        statuses = {
            (
                await guesser.get(
                    "/v1/events",
                    headers={
                        "Authorization": "Bearer wrong",
                        "X-Forwarded-For": f"10.0.0.{n}",
                        "Forwarded": f"for=10.0.0.{n}",
                    },
                )
            ).status_code
            for n in range(100)
        }
    assert 429 in statuses


async def test_guesses_are_not_passed_on_to_the_store(window: Window) -> None:
    asked = 0

    class Counting(Reads):
        async def __call__(self, query: object) -> object:  # type: ignore[override]
            nonlocal asked
            asked += 1
            return ()

    access = Access(Counting(window.store), Clock())
    for n in range(50):
        with pytest.raises((Unauthorized, TooMany)):
            await access.check(f"Bearer guess-{n}", "2001:db8::1")
    assert asked == 1


async def test_when_the_store_hangs_all_who_wait_learn_it_together() -> None:
    class Hanging:
        asked = 0

        async def __call__(self, query: object) -> object:
            self.asked += 1
            await asyncio.sleep(0)
            raise StoreUnavailable

    reads = Hanging()
    access = Access(reads)  # type: ignore[arg-type]  # all that is asked of it here
    checks = [access.check(f"Bearer guess-{n}", "192.0.2.1") for n in range(20)]
    ends = await asyncio.gather(*checks, return_exceptions=True)
    assert {type(end) for end in ends} == {StoreUnavailable}
    assert reads.asked == 1


async def test_one_ipv6_network_is_one_peer(window: Window) -> None:
    access = Access(Reads(window.store), Clock())
    refused = 0
    for n in range(WRONG[0] + 5):
        try:
            await access.check("Bearer wrong", f"2001:db8::{n:x}")
        except TooMany:
            refused += 1
        except Unauthorized:
            pass
    assert refused == 5


async def test_one_token_cannot_take_all_the_time_there_is(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.api.access.RIGHT", (3, 1.0))
    access = Access(Reads(window.store), Clock())
    for _ in range(3):
        await access.check(AUTHORIZED["Authorization"], "192.0.2.1")
    with pytest.raises(TooMany) as refused:
        await access.check(AUTHORIZED["Authorization"], "192.0.2.1")
    assert refused.value.after == 1


def test_a_bucket_fills_again_and_forgets_the_oldest() -> None:
    clock = Clock()
    buckets = Buckets(2, 0.5, clock, most=2)
    assert [buckets.take("a"), buckets.take("a")] == [0, 0]
    assert buckets.take("a") == pytest.approx(2)
    clock.now += 2
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0
    buckets.take("b")
    buckets.take("c")
    assert buckets.take("a") == 0


async def test_no_answer_repeats_the_token(window: Window) -> None:
    secret = "canary-7f3a"
    async with ask(window.app, "198.51.100.77") as stranger:
        for path in ("/v1/events", "/metrics", "/nowhere", "/"):
            answer = await stranger.get(path, headers={"Authorization": f"Bearer {secret}"})
            assert secret not in answer.text + str(answer.headers)
