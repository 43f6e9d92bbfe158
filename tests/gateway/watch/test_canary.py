"""A canary goes out, comes home and is consumed; one that is late is an alarm."""

from __future__ import annotations

import http.client
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from channels.base import Canary, ChannelDown
from channels.mail_compose import compose
from gateway.alarm import Alarms
from gateway.authenticate import Keys
from gateway.config import ConfigError
from gateway.metrics import Metrics
from gateway.readers import TooSlow
from gateway.retries.backlog import Backlog
from gateway.watch.canary import Canaries
from normalizer.message import Address, Message
from tests.daemon.servers import CONFIG as SITE
from tests.daemon.servers import Site, daemon, free_port, wait_until
from tests.daemon.window import rows
from tests.making import CONFIG, DESK, KEYS, NOON, Desk, configure, mail, opened

OWN = Address("Example Support", DESK)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path) as one:
        canaries = Canaries(
            {"mail": Canary(timedelta(minutes=30), DESK, "example.com")},
            {"mail": one.wire}, KEYS, Alarms(), Metrics(), one.clock, NOON,
        )  # fmt: skip
        one.ingest = replace(one.ingest, canaries=canaries)
        one.backlog = Backlog(one.store, one.ingest)
        yield one


def of(desk: Desk) -> Canaries:
    assert desk.ingest.canaries
    return desk.ingest.canaries


async def after(desk: Desk, minutes: float) -> None:
    desk.clock.advance(minutes=minutes)
    await of(desk).look("mail")


def on_the_wire(sent: Message) -> bytes:
    return compose(sent, OWN, NOON, "desk.example")


def figure(desk: Desk, name: str) -> float | None:
    return of(desk).metrics.registry.get_sample_value(name, {"channel": "mail"})


async def told(desk: Desk) -> list[str]:
    await of(desk).alarms.tell(desk.store, Metrics())
    found = await desk.rows("SELECT type FROM events ORDER BY cursor")
    return [row["type"] for row in found]


async def test_a_canary_comes_home_and_leaves_no_trace_that_a_help_desk_sees(desk: Desk) -> None:
    await after(desk, 1)
    (sent,) = desk.wire.sent
    raw = on_the_wire(sent)
    assert b"Auto-Submitted: auto-generated" in raw
    desk.clock.advance(seconds=2)
    receipt = await desk.accept(raw, sender="<>")
    assert receipt.outcome == "accepted"
    assert figure(desk, "madoguchi_canary_seconds") == 2.0
    for table in ("customers", "conversations", "cases", "outbox", "events"):
        assert await desk.count(table) == 0
    assert (await desk.one("SELECT outcome FROM ledger"))["outcome"] == "accepted"
    assert await desk.decision(receipt.message, "canary") == {
        "about": "canary", "outcome": "consumed", "reason": "it came round in 2.0 s",
    }  # fmt: skip
    await after(desk, 31)
    assert len(desk.wire.sent) == 2
    assert not figure(desk, "madoguchi_canary_lost_total")


async def test_one_is_under_way_and_a_late_one_is_lost_once_and_clears_by_the_next(
    desk: Desk,
) -> None:
    await after(desk, 1)
    for _ in range(29):
        await after(desk, 1)
    assert len(desk.wire.sent) == 1
    await after(desk, 1)
    await after(desk, 30)
    assert figure(desk, "madoguchi_canary_lost_total") == 2
    assert await told(desk) == ["alarm.raised"]
    await desk.accept(on_the_wire(desk.wire.sent[-1]))
    assert await told(desk) == ["alarm.raised", "alarm.cleared"]


async def test_a_canary_that_cannot_be_sent_is_late_too(desk: Desk) -> None:
    desk.wire.answers = [ChannelDown()]
    await after(desk, 1)
    await after(desk, 30)
    assert figure(desk, "madoguchi_canary_lost_total") == 1


async def test_a_canary_whose_message_id_was_written_anew_is_known_by_its_subject(
    desk: Desk,
) -> None:
    await after(desk, 1)
    raw = on_the_wire(replace(desk.wire.sent[0], message_id="0100018f@ses.example"))
    await desk.accept(raw)
    assert await desk.count("cases") == 0


async def test_a_canary_that_could_not_be_read_in_time_is_consumed_later(desk: Desk) -> None:
    await after(desk, 1)
    desk.inline.troubles = [TooSlow()]
    await desk.accept(on_the_wire(desk.wire.sent[0]))
    (kept,) = await desk.backlog.waiting("unread")
    await desk.backlog.reread(kept)
    assert (await desk.one("SELECT status, kind FROM messages")) == {
        "status": "stored", "kind": "notice",
    }  # fmt: skip
    assert await desk.count("cases") == 0


async def test_nobody_else_s_canary_counts(desk: Desk) -> None:
    """A mail that only looks like one opens its case, and takes no canary's place."""
    await after(desk, 1)
    forged = Keys(b"x" * 32).token(0, 1, "canary:mail")
    customer = KEYS.token(0, 1, "yuki@example.jp")
    for token in (forged, customer, "1.0.00000000000000000000"):
        await desk.accept(mail(subject=f"Canary {token}", Message_ID=f"<{token}@example.com>"))
    assert await desk.count("messages WHERE kind = 'notice'") == 0
    assert figure(desk, "madoguchi_canary_seconds") is None


def test_a_maildir_is_no_way_round(tmp_path: Path) -> None:
    wrong = CONFIG.replace('send = "maildir:sent"', 'send = "maildir:sent"\ncanary = "1 hour"')
    with pytest.raises(ConfigError, match="never comes round"):
        configure(tmp_path, wrong)


@pytest.mark.daemon
def test_a_daemon_whose_smarthost_is_itself_hears_its_own_canaries(tmp_path: Path) -> None:
    site = Site(tmp_path, free_port(), free_port())
    text = SITE.format(store="sqlite:///var/madoguchi.db", http=site.http, smtp=site.smtp)
    way_round = f'send = "smtp://127.0.0.1:{site.smtp}?tls=none"\ncanary = "5 seconds"'
    site.config.write_text(text.replace('send = "maildir:sent"', way_round), encoding="utf-8")
    with daemon(site):
        wait_until(lambda: len(consumed(site)) >= 1, 120, "a canary is home")
        took = 'madoguchi_canary_seconds{channel="mail"}'
        wait_until(lambda: took in shown(site), 60, "the metric tells how long it took")
    assert rows(site, "SELECT id FROM v_cases") == []
    assert rows(site, "SELECT cursor FROM v_events WHERE type LIKE 'message.%'") == []


def consumed(site: Site) -> list[dict[str, object]]:
    return rows(site, "SELECT id FROM v_messages WHERE kind = 'notice' AND direction = 'in'")


def shown(site: Site) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=30)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()
