"""Follow-ups by the real process: to the customer, to people, and after a death."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from store.rows import instant
from tests.daemon.servers import Site, await_ready, daemon, launch, lay_out, stop, wait_until
from tests.daemon.test_answers import ask
from tests.daemon.window import acknowledgements, api, bare, mail, rows, send

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
    site = laid(tmp_path, "6 seconds")
    process = launch(site)
    await_ready(site, process)
    assert send(site, mail("first")).code == 250
    acknowledgements(site, 1)
    wait_until(lambda: _is_sent(site), 60, "it is written down that it was sent")
    process.kill()
    process.wait()
    due = "SELECT 1 FROM follow_ups WHERE due_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    wait_until(lambda: len(rows(site, due)) == 2, 60, "both are due")
    for _ in range(2):
        running = launch(site)
        await_ready(site, running)
        acknowledgements(site, 3)
        wait_until(lambda: _is_sent(site), 60, "all is sent")
        stop(running)
    assert len(rows(site, "SELECT 1 FROM v_messages WHERE direction = 'out'")) == 3


def _is_sent(site: Site) -> bool:
    return not rows(site, "SELECT 1 FROM outbox WHERE state <> 'sent'")


PROMISE = """
[promise]
warn = "2 seconds"
notify = ["boss@example.com"]
notice = "1 second"
"""


def test_an_update_that_was_promised_and_nobody_wrote_is_told_to_us_and_then_to_the_customer(
    tmp_path: Path,
) -> None:
    site = lay_out(tmp_path, more=PROMISE)
    with daemon(site):
        assert send(site, mail("first")).code == 250
        acknowledgements(site, 1)
        case = api(site, "/v1/cases")["items"][0]["id"]
        by = datetime.now(UTC) + timedelta(seconds=8)
        said = {"next_update_by": by.isoformat(), "waiting_for": "the maker's answer"}
        ask(site, "POST", f"/v1/cases/{case}/reply", said | {"text": "We ask them."})
        sent = acknowledgements(site, 4, 60)
        after = api(site, f"/v1/cases/{case}")
    told = [one for one in sent if one["Auto-Submitted"] == "auto-generated"]
    assert {one["To"] for one in told} == {"boss@example.com", "yuki@example.jp"}
    assert all("the maker's answer" in one.get_content() for one in told)
    assert after["next_update_by"] > instant(by)
    assert len(rows(site, "SELECT 1 FROM follow_ups WHERE state = 'fired'")) == 2
