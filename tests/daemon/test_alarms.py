"""What the rules raise, the running daemon tells: in the feed, at /metrics, in its log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.servers import daemon, lay_out, wait_until
from tests.daemon.window import acknowledgements, api, change, get, logged, mail, send

pytestmark = pytest.mark.daemon


def test_a_spent_budget_is_told_everywhere_and_mail_comes_in_as_before_l18(tmp_path: Path) -> None:
    site = lay_out(tmp_path, more='[alarms]\nnotify = ["admin@corp.example"]\n')
    change(site, ("unauthenticated_hour = 0", "unauthenticated_hour = 1"))
    with daemon(site):
        for name in ("first", "second", "third"):
            assert send(site, mail(name, f"{name}@example.net"), f"{name}@example.net").code == 250
        wait_until(lambda: b'alarms_total{kind="ack' in get(site, "/metrics").body, 60, "alarm")
        events = api(site, "/v1/events?limit=100")["items"]
        sent = {str(one["To"]): one for one in acknowledgements(site, 2)}
    assert sent.keys() == {"first@example.net", "admin@corp.example"}
    assert "too many unauthenticated senders" in str(sent["admin@corp.example"]["Subject"])
    (alarm,) = [event["data"] for event in events if event["type"] == "alarm.raised"]
    assert alarm["kind"] == "acknowledgements.strangers"
    assert sum(event["type"] == "case.opened" for event in events) == 3
    assert [line["level"] for line in logged(site, "alarm.raised")] == ["error"]
