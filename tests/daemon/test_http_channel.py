"""A system that posts until it hears 200 loses nothing and doubles nothing, however we end."""

from __future__ import annotations

import json
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from tests.channels.http_peer import SECRET, event
from tests.daemon.servers import daemon, lay_out, wait_until
from tests.soak.posts import ENVIRONMENT, TABLE, Books, outlive, post, shop, stored

pytestmark = pytest.mark.daemon


@pytest.mark.timeout(900)
def test_every_event_is_stored_once_over_four_kills(tmp_path: Path) -> None:
    """And nobody reads two acknowledgements. `make soak` does so with 1,000 and 20."""
    books = outlive(tmp_path, 120, 4)
    assert books.faults(120) == []
    assert books.taken == 120


def test_the_books_tell_what_is_lost_doubled_and_said_twice() -> None:
    posted = {"u-0": Counter({"a": 1, "b": 1})}
    faults = Books(3, Counter({"message 0": 2, "message 1": 1}), posted, ["http-shop:u-3"]).faults(
        50
    )
    assert [fault.partition(":")[0] for fault in faults] == [
        "lost", "stored twice", "acknowledged twice", "never acknowledged",
    ]  # fmt: skip


def test_the_contract_on_the_real_daemon(tmp_path: Path) -> None:
    """W01: a message, its replay, a forgery; and the acknowledgement goes out signed."""
    with shop() as other:
        site = lay_out(tmp_path, more=TABLE.format(port=other.port))
        body = event("Where is my parcel?", id="m-1")
        with daemon(site, ENVIRONMENT):
            assert post(site, "w-1", body) == 200
            assert post(site, "w-1", body) == 200
            assert post(site, "w-2", body) == 200  # the same message by its own id
            assert post(site, "w-3", b'{"type": "dance"}') == 400
            wait_until(lambda: len(other.posted) == 1, 90, "it is acknowledged")
            (key,) = other.posted["u-17"]
            told = {"type": "report", "message": key, "state": "read"}
            assert post(site, "w-4", json.dumps(told).encode()) == 200
            unknown = json.dumps(told | {"message": "x"}).encode()
            # A busy desk stores it unread and says 200: who asks again, as another event, is told.
            ids = (f"w-5-{n}" for n in count())
            wait_until(lambda: post(site, next(ids), unknown) == 422, 90, "it is refused")
        assert stored(site)["Where is my parcel?"] == 1
        assert SECRET not in site.log.read_text("utf-8")
