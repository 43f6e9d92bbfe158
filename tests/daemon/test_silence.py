"""A mailbox that refuses us is told: in /readyz, in a metric, and by an alarm that is raised once."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.dovecot import Dovecot, dovecot
from tests.daemon.servers import Site, daemon, free_port, require, wait_until
from tests.daemon.window import rows
from tests.gateway.watch.test_reconcile import CONFIG

pytestmark = pytest.mark.daemon


@pytest.fixture
def server() -> Iterator[Dovecot]:
    require("dovecot")
    with dovecot() as running:
        yield running


def asked(site: Site, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_log_in_that_is_refused_is_told_and_takes_nobody_down(
    server: Dovecot, tmp_path: Path
) -> None:
    site = Site(tmp_path, 0, free_port())
    site.config.write_text(CONFIG.format(http=site.http, imap=server.imap, user="support"))
    query = "SELECT data FROM v_events WHERE type = 'alarm.raised'"
    with daemon(site, {"MAILBOX": "not the password"}):
        wait_until(lambda: len(rows(site, query)) == 1, 90, "an alarm is raised")
        status, body = asked(site, "/readyz")
        _, figures = asked(site, "/metrics")
    assert status == 200
    assert json.loads(body)["attention"] == ["mailbox: trouble"]
    assert 'madoguchi_channel_trouble{channel="mailbox"} 1.0' in figures
    (alarm,) = rows(site, query)
    assert json.loads(alarm["data"])["kind"] == "channel.trouble"
    assert "not the password" not in alarm["data"]
