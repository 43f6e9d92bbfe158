"""W09: whoever floods the API is told when to come again, and mail comes in as before."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.daemon.servers import API_TOKEN, Site, daemon, lay_out
from tests.daemon.window import mail, rows, send

pytestmark = pytest.mark.daemon

WRONG, RIGHT, MAILS = 10_000, 5_000, 40
PATIENCE = 20.0  # seconds for one mail; a healthy one takes milliseconds


def flood(site: Site, token: str, times: int, heard: dict[int, int], waits: list[str]) -> None:
    """One connection that asks and asks."""
    headers = {"Authorization": f"Bearer {token}"}
    with closing(http.client.HTTPConnection("127.0.0.1", site.http, timeout=60)) as line:
        for _ in range(times):
            line.request("GET", "/v1/events?limit=1", headers=headers)
            answer = line.getresponse()
            answer.read()
            heard[answer.status] = heard.get(answer.status, 0) + 1
            if answer.status == 429:
                waits.append(answer.headers["Retry-After"])


def test_w09_a_flood_of_the_api_is_429_and_mail_comes_in_meanwhile(tmp_path: Path) -> None:
    site = lay_out(tmp_path)
    wrong: dict[int, int] = {}
    right: dict[int, int] = {}
    waits: list[str] = []
    took = []
    with daemon(site):
        floods = [
            threading.Thread(target=flood, args=(site, "wrong", WRONG, wrong, waits)),
            threading.Thread(target=flood, args=(site, API_TOKEN, RIGHT, right, waits)),
        ]
        for one in floods:
            one.start()
        for n in range(MAILS):
            began = time.monotonic()
            assert send(site, mail(f"flood-{n}")).code == 250
            took.append(time.monotonic() - began)
        for one in floods:
            one.join()
        assert send(site, mail("afterwards")).code == 250
        stored = rows(site, "SELECT id FROM v_messages WHERE direction = 'in'")
    print(  # noqa: T201  shown with -s
        f"mails under a flood: median {sorted(took)[MAILS // 2]:.3f} s, longest {max(took):.3f} s"
    )
    assert sum(wrong.values()) == WRONG
    assert set(wrong) == {401, 429}
    assert wrong[401] < WRONG / 10, "most guesses are not even looked up"
    assert set(right) <= {200, 429}
    assert right[200] >= 3000, "who has the token may ask much"
    assert all(int(seconds) >= 1 for seconds in waits)
    assert len(stored) == MAILS + 1
    assert max(took) < PATIENCE
