"""What a source holds and the ledger does not know is named; a source that is away is, too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from channels.base import ChannelDown
from gateway import reports
from gateway.cli import app
from gateway.watch import reconcile
from store import accounts
from store.past import Past
from tests.daemon.dovecot import PASSWORD, USER, Dovecot, dovecot
from tests.daemon.servers import Site, daemon, free_port, require, wait_until
from tests.daemon.window import rows
from tests.making import Desk, Wire, mail


class Listing(Wire):
    """A channel whose source holds these units."""

    def __init__(self, *units: str, error: Exception | None = None) -> None:
        super().__init__()
        self.units, self.error = units, error

    async def listing(self) -> frozenset[str]:
        if self.error:
            raise self.error
        return frozenset(self.units)


async def audited(desk: Desk, channel: Wire) -> accounts.Audit:
    found = await desk.store.read(accounts.audit)
    return await reconcile.with_sources(found, {"mail": channel}, partial(Past, desk.store))


async def test_each_unit_that_was_not_fetched_is_named(desk: Desk) -> None:
    await desk.accept(mail(), unit="INBOX:1:1")
    found = await audited(desk, Listing("INBOX:1:1", "INBOX:1:2", "INBOX:1:3"))
    assert [(e.what, e.about) for e in found.open] == [
        ("not fetched", "INBOX:1:2"),
        ("not fetched", "INBOX:1:3"),
    ]
    assert [count[1:] for count in found.source] == [("listed", 3), ("not fetched", 2)]
    assert "INBOX:1:3" in reports.audit(found)


async def test_a_whole_mailbox_is_accounted_for(desk: Desk) -> None:
    await desk.accept(mail(), unit="INBOX:1:1")
    found = await audited(desk, Listing("INBOX:1:1"))
    assert found.open == ()
    assert "everything is accounted for" in reports.audit(found)


@pytest.mark.parametrize("error", [ChannelDown("the log-in is refused"), OSError("refused")])
async def test_a_source_that_does_not_answer_is_named(desk: Desk, error: Exception) -> None:
    found = await audited(desk, Listing(error=error))
    assert [(e.what, e.about) for e in found.open] == [("not asked", str(error))]
    assert found.source == ()


async def test_a_channel_without_a_source_is_not_asked(desk: Desk) -> None:
    assert (await audited(desk, Wire())).source == ()


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    require("dovecot")
    with dovecot() as running:
        yield running


CONFIG = """\
[http]
listen = "127.0.0.1:{http}"
[acknowledge]
enabled = false
[[channel]]
name = "mailbox"
type = "imap"
host = "127.0.0.1"
port = {imap}
tls = "none"
username = "{user}"
password = {{ env = "MAILBOX" }}
poll = "1 second"
addresses = ["support@example.com"]
send = "maildir:sent"
"""


def audit(site: Site, *options: str) -> tuple[int, str]:
    command = ["audit", *options, "-c", str(site.config)]
    told = CliRunner().invoke(app, command, env={"MAILBOX": PASSWORD})
    return told.exit_code, told.output


@pytest.mark.daemon
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("own_log")
def test_audit_compares_a_real_mailbox_with_the_ledger(server: Dovecot, tmp_path: Path) -> None:
    """What came while the daemon was away is named, and fetched by the next one."""
    site = Site(tmp_path, 0, free_port())
    site.config.write_text(CONFIG.format(http=site.http, imap=server.imap, user=USER))
    server.deliver(mail(), mail())
    with daemon(site, {"MAILBOX": PASSWORD}):
        wait_until(lambda: stored(site) == 2, 90, "two mails are stored")
    assert audit(site)[0] == 0
    old = mail(subject="while you were away")
    with server.connect() as client:
        client.append("INBOX", old, msg_time=datetime(2026, 11, 1, tzinfo=UTC))
    code, told = audit(site)
    assert code == 1
    assert "not fetched" in told
    assert audit(site, "--offline")[0] == 0
    server.stop()
    code, told = audit(site)
    server.start()
    assert code == 0
    assert "not asked" in told


def stored(site: Site) -> int:
    return len(rows(site, "SELECT id FROM v_messages WHERE direction = 'in'"))
