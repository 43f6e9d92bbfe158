"""The daemon on a real mailbox: history is silent, new mail is answered at once, nothing is lost."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.dovecot import Dovecot, dovecot
from tests.daemon.mailbox import lay_out_mailbox
from tests.daemon.servers import daemon, require, wait_until
from tests.daemon.window import acknowledgements, rows
from tests.making import mail
from tests.soak.mailbox import Plan, soak

pytestmark = pytest.mark.daemon

POLL = 60.0  # seconds, by default; the server's own word of new mail comes at once
SHORT = Plan(mails=100, old=200, restarts=3, kills=4, renumberings=5, seed=7, rate=50)


@pytest.fixture
def server() -> Iterator[Dovecot]:
    require("dovecot")
    with dovecot() as running:
        yield running


def test_old_mail_is_stored_in_silence_and_new_mail_answered_at_once(
    server: Dovecot, tmp_path: Path
) -> None:
    """First contact: all stored, resolved, 0 sent; then new mail is answered before any poll."""
    server.append("INBOX", *(mail(f"a{n}@customers.example", f"old {n}") for n in range(300)))
    server.append("Sent", mail("support@example.com", "from us", To="a1@customers.example"))
    site = lay_out_mailbox(tmp_path, server)
    with daemon(site):
        query = "SELECT count(*) AS n FROM v_messages WHERE direction = 'in' AND status = 'stored'"
        wait_until(lambda: rows(site, query)[0]["n"] >= 300, 120, "old mail is stored")
        waits = []
        for number in range(5):
            began = time.monotonic()
            server.deliver(mail(f"b{number}@customers.example", f"new {number}"))
            acknowledgements(site, number + 1, POLL / 2)
            waits.append(time.monotonic() - began)
        answered = {str(each["To"]) for each in acknowledgements(site, 5)}
        assert answered == {f"b{number}@customers.example" for number in range(5)}
        states = rows(site, "SELECT status, count(*) AS n FROM v_cases GROUP BY status")
        assert {row["status"]: row["n"] for row in states}["resolved"] >= 300
    print(f"new mail is acknowledged after {statistics.median(waits):.2f} s (median)")  # noqa: T201


@pytest.mark.timeout(900)
def test_every_mail_is_stored_once_whatever_is_killed_restarted_or_renumbered(
    tmp_path: Path,
) -> None:
    """I01, I04, I06: SIGKILL during the backfill, at F9, F10 and at any time."""
    require("dovecot")
    outcome = soak(SHORT, tmp_path)
    assert outcome.faults() == [], str(outcome)
    assert outcome.delivered == SHORT.mails
