"""A log-in that will end is told before it does: by an alarm, a metric and /readyz."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from channels.base import Host
from channels.oauth import Login
from channels.smtp import Smtp
from channels.smtp.settings import ListenerSettings
from gateway.alarm import Alarms
from gateway.metrics import Metrics
from gateway.watch.logins import Logins, attention, healths
from tests.making import Clock, Desk
from tests.token_server import SECRET, TokenServer, token_server

DAY = 24 * 3600


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server(refresh_life=7 * DAY) as it:
        yield it


def channel(server: TokenServer, folder: Path) -> Smtp:
    table = {
        "name": "mail",
        "type": "smtp",
        "listen": "127.0.0.1:0",
        "addresses": ["support@example.com"],
        "send": "smtp://us@127.0.0.1:1?tls=none",
        "oauth": server.table() | {"client_secret": SECRET},
    }
    return Smtp(ListenerSettings.model_validate(table), Host("mx.example.com", folder))


def log_in(server: TokenServer, folder: Path, clock: Clock) -> None:
    Login(server.settings(), "mail", folder / "oauth", clock=clock).keep(server.log_in())


async def told(desk: Desk, alarms: Alarms, metrics: Metrics) -> list[tuple[str, str]]:
    await alarms.tell(desk.store, metrics)
    found = await desk.rows("SELECT type, data FROM events ORDER BY cursor")
    data = [(row["type"], json.loads(row["data"])) for row in found]
    assert all(one["kind"] == "channel.login" and one["channel"] == "mail" for _, one in data)
    assert all("madoguchi login mail" in one["reason"] for _, one in data)
    return [(kind, one["state"]) for kind, one in data]


async def test_a_person_hears_before_the_seven_days_are_over_and_once(
    desk: Desk, server: TokenServer, tmp_path: Path
) -> None:
    it, clock, alarms, metrics = channel(server, tmp_path), Clock(), Alarms(), Metrics()
    assert it._out.login is not None
    it._out.login._clock = clock
    log_in(server, tmp_path, clock)
    watch = Logins({"mail": it}, alarms, clock, metrics)
    seen: list[tuple[str, str]] = []
    for _ in range(8 * 24):
        clock.advance(hours=1)
        before = len(seen)
        await watch.look()
        seen = await told(desk, alarms, metrics)
        if len(seen) > before:
            log = generate_latest(metrics.registry).decode()
            left = float(log.split('login_ends_seconds{channel="mail"} ')[1].split("\n")[0])
            assert left == (2 * DAY if len(seen) == 1 else 0)
    assert seen == [("alarm.raised", "ends_soon"), ("alarm.raised", "dead")]
    assert attention({"mail": it}) == ["mail: log-in has ended"]
    log_in(server, tmp_path, clock)
    await watch.look()
    await watch.look()
    assert (await told(desk, alarms, metrics))[2:] == [("alarm.cleared", "dead")]
    assert attention({"mail": it}) == []
    await it.close()


async def test_what_needs_a_person_soon_is_named_in_a_few_words(
    server: TokenServer, tmp_path: Path
) -> None:
    it, clock = channel(server, tmp_path), Clock()
    assert it._out.login is not None
    it._out.login._clock = clock
    log_in(server, tmp_path, clock)
    clock.advance(seconds=timedelta(days=6).total_seconds())
    assert attention({"mail": it}) == ["mail: log-in ends soon"]
    await it.close()


async def test_a_channel_without_a_log_in_has_no_health(desk: Desk, tmp_path: Path) -> None:
    table = {"name": "mail", "type": "smtp", "listen": "127.0.0.1:0", "send": "maildir:x"}
    settings = ListenerSettings.model_validate(table | {"addresses": ["support@example.com"]})
    it = Smtp(settings, Host("mx.example.com", tmp_path))
    assert healths({"mail": it, "wire": desk.wire}) == {}
    await it.close()
