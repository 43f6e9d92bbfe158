"""Follow-ups by the real process: to the customer, to people, and after a death."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.servers import Site, await_ready, daemon, launch, lay_out, stop, wait_until
from tests.daemon.window import acknowledgements, bare, mail, rows, send

pytestmark = pytest.mark.daemon

RULES = """
[[follow_up]]
name = "sorry"
when = "unanswered"
after = "{after}"
send = "notice"
[[follow_up]]
name = "remind"
when = "unanswered"
after = "{after}"
notify = ["boss@example.com"]
"""


def laid(folder: Path, after: str) -> Site:
    return lay_out(folder, more=RULES.format(after=after))


def test_a_customer_who_waits_hears_of_it_and_so_do_we_once(tmp_path: Path) -> None:
    site = laid(tmp_path, "1 second")
    letter = mail("first")
    with daemon(site):
        assert send(site, letter).code == 250
        said = acknowledgements(site, 3)
        notice = next(m for m in said if m["In-Reply-To"] == f"<{bare(letter)}>"
                      and m["Auto-Submitted"] == "auto-generated")  # fmt: skip
        told = next(m for m in said if m["To"] == "boss@example.com")
    assert "taking" in notice["Subject"]
    assert "Yuki" not in notice.as_string()
    assert notice["From"].endswith("<support@example.com>")
    assert notice["X-Auto-Response-Suppress"] == "All"
    assert told["Auto-Submitted"] == "auto-generated"
    assert len(rows(site, "SELECT 1 FROM follow_ups WHERE state = 'fired'")) == 2


def test_what_came_due_while_nobody_ran_fires_once_at_the_start(tmp_path: Path) -> None:
    site = laid(tmp_path, "3 seconds")
    process = launch(site)
    await_ready(site, process)
    assert send(site, mail("first")).code == 250
    acknowledgements(site, 1)
    process.kill()
    process.wait()
    for _ in range(2):
        running = launch(site)
        await_ready(site, running)
        acknowledgements(site, 3)
        wait_until(
            lambda: not rows(site, "SELECT 1 FROM outbox WHERE state <> 'sent'"), 10, "all is sent"
        )
        stop(running)
    assert len(rows(site, "SELECT 1 FROM v_messages WHERE direction = 'out'")) == 3
