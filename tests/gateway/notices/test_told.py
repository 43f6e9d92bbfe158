"""Notices to many: each customer once, on a living channel, at a bounded rate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway import rules
from gateway.desk.speak import Refused
from gateway.notices import acts
from gateway.notices.preview import preview
from gateway.notices.wanted import Announce
from store import shapes_notices as shapes
from tests.gateway.notices.many import (
    MORE,
    TEXT,
    agree,
    begin,
    customers,
    drain,
    loop,
    now,
    said,
    who,
)
from tests.making import CONFIG, KEYS, NOON, Desk, mail, opened

SHOP = """
[[channel]]
name = "shop"
type = "smtp"
listen = "127.0.0.1:2526"
addresses = ["shop@example.com"]
send = "maildir:sent"
trusted_relays = ["192.0.2.7"]
wording = "shop"
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + MORE) as desk:
        yield desk


async def test_each_hears_it_once_in_their_language_and_it_ends(desk: Desk) -> None:
    ids = await customers(desk, 3)
    await desk.change("UPDATE messages SET language = 'ja' WHERE customer_id = :c", c=ids[0])
    notice = await begin(desk, customers=ids, addresses=["C1@example.jp"])
    assert notice.counts.total == 3
    assert await drain(desk, loop(desk)) == 3
    rows = await said(desk)
    assert [row["language"] for row in rows] == ["ja", "en", "en"]
    assert "一日遅れて" in rows[0]["text"]
    assert "a day late" in rows[1]["text"]
    assert {row["unsubscribe"] for row in rows} == {""}
    assert {row["in_reply_to"] for row in rows} == {""}
    done = await now(desk, notice.id)
    assert (done.state, done.counts.queued, done.counts.waiting) == ("finished", 3, 0)
    kinds = [row["type"] for row in await desk.rows("SELECT type FROM events ORDER BY cursor")]
    assert [k for k in kinds if k.startswith("notice")] == ["notice.started", "notice.finished"]


async def test_each_reads_it_in_the_wording_of_the_channel_that_it_goes_out_on(
    tmp_path: Path,
) -> None:
    own = tmp_path / "shop" / "en"
    own.mkdir(parents=True)
    (own / "notice_service.long.txt").write_text("Subject: Shop\n\nThe shop says: {{ text }}\n")
    async with opened(tmp_path, CONFIG + SHOP) as desk:
        for name, to in (("mail", "support@example.com"), ("shop", "shop@example.com")):
            letter = mail(f"<{name}@example.jp>", To=to, vouched="example.jp")
            await desk.accept(letter, f"{name}@example.jp", channel=name, to=(to,))
        ids = [row["id"] for row in await desk.rows("SELECT id FROM customers ORDER BY id")]
        await begin(desk, customers=ids)
        assert await drain(desk, loop(desk)) == 2
        usual, shop = [row["text"] for row in await said(desk)]
        assert shop == "The shop says: Parcels are a day late.\n"
        assert usual.startswith("Parcels are a day late.")


async def test_the_views_tell_of_everybody_and_of_every_word(desk: Desk) -> None:
    ids = await customers(desk, 3)
    await agree(desk, ids[0])
    await agree(desk, ids[0], promotion=False)
    notice = await begin(desk, customers=ids)
    notices = loop(desk)
    notices.per_minute = 60
    await notices.look()
    await desk.change(
        "UPDATE outbox SET state = 'failed', error = 'no such user' WHERE message_id ="
        " (SELECT message_id FROM notice_recipients WHERE customer_id = :c)", c=ids[0],
    )  # fmt: skip
    told = "SELECT customer_id, state, reason FROM v_notice_recipients ORDER BY customer_id"
    waits = [(c, "waiting", "") for c in ids[1:]]
    rows = [tuple(row.values()) for row in await desk.rows(told)]
    assert rows == [(ids[0], "failed", "no such user"), *waits]
    await desk.store.change(acts.stop(notice.id, who(desk)))
    assert [row["state"] for row in await desk.rows(told)] == ["failed", "stopped", "stopped"]
    row = await desk.one("SELECT kind, state, author, total FROM v_notices")
    assert tuple(row.values()) == ("service", "stopped", "Aiko", 3)
    words = await desk.rows("SELECT customer_id, given, holds FROM v_consents ORDER BY id")
    assert [tuple(row.values()) for row in words] == [(ids[0], 1, 0), (ids[0], 0, 1)]


async def test_a_minute_has_no_more_than_its_rate_and_a_second_its_share(desk: Desk) -> None:
    ids = await customers(desk, 7)
    await begin(desk, customers=ids)
    notices = loop(desk)
    assert [await notices.look() for _ in range(2)] == [2, 2]
    notices.per_minute = 4
    assert await notices.look() == 0
    desk.clock.advance(seconds=60)
    assert await notices.look() == 1


async def test_who_cannot_be_told_is_left_out_with_the_reason(desk: Desk) -> None:
    await customers(desk, 4)
    await desk.accept(mail(sender="<forged@evil.example>"), "forged@evil.example")
    await desk.accept(mail(sender="<no-reply@example.jp>", vouched="example.jp"))
    ids = [row["id"] for row in await desk.rows("SELECT id FROM customers ORDER BY id")]
    await desk.change(
        "UPDATE identities SET failing_since = '2026' WHERE customer_id = :c", c=ids[0]
    )
    await desk.change("UPDATE cases SET tags = '[\"sensitive\"]' WHERE customer_id = :c", c=ids[1])
    await desk.change("UPDATE cases SET mode = 'silence' WHERE customer_id = :c", c=ids[2])
    notice = await begin(desk, customers=ids)
    assert await drain(desk, loop(desk)) == 1
    assert (await now(desk, notice.id)).counts.left_out == {
        "messages to their address fail": 1,
        "a sensitive case: a person speaks here": 1,
        "the route asks for silence": 1,
        "unverified: nobody vouches for their address": 1,
        "a robot, or one of us": 1,
    }


async def test_a_preview_says_the_same_and_keeps_nothing(desk: Desk) -> None:
    ids = await customers(desk, 2)
    await desk.change(
        "UPDATE identities SET failing_since = '2026' WHERE customer_id = :c", c=ids[0]
    )
    made = rules.announcing(desk.config, KEYS)
    asked = Announce(kind="service", text=TEXT, customers=ids, cases=[999])
    words, target = acts.said(asked, "en"), acts.target(asked)
    assert not isinstance(words, Refused)
    assert not isinstance(target, Refused)
    shown = await preview(desk.store.read, made, "service", words, target, NOON)
    assert (shown.total, shown.recipients, shown.channels) == (2, 1, {"mail": 1})
    assert shown.first_left_out[0].to == "email:c0@example.jp"
    assert shown.unknown.cases == [999]
    assert "a day late" in shown.samples[0].text
    assert not await desk.count("notices")
    assert not await said(desk)


async def test_quiet_hours_hold_it_until_they_end(desk: Desk) -> None:
    ids = await customers(desk, 1)
    desk.clock.at = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)  # 21:30 in Tokyo
    await begin(desk, customers=ids)
    assert await loop(desk).look() == 0
    desk.clock.advance(hours=10.5)
    assert await loop(desk).look() == 1


async def test_who_has_heard_much_today_hears_it_tomorrow(desk: Desk) -> None:
    ids = await customers(desk, 1)
    for n in range(4):
        await desk.accept(
            mail(sender="<c0@example.jp>", subject=f"Another {n}", vouched="example.jp")
        )
    notice = await begin(desk, customers=ids)
    assert await loop(desk).look() == 0
    assert (await now(desk, notice.id)).counts.waiting == 1
    desk.clock.advance(days=1, seconds=1)
    assert await drain(desk, loop(desk)) == 1


async def test_a_stop_leaves_what_is_queued_and_nothing_follows(desk: Desk) -> None:
    ids = await customers(desk, 5)
    notice = await begin(desk, customers=ids)
    notices = loop(desk)
    assert await notices.look() == 2
    stopped = await desk.store.change(acts.stop(notice.id, who(desk)))
    assert isinstance(stopped, shapes.Notice)
    assert (stopped.state, stopped.counts.queued, stopped.counts.stopped) == ("stopped", 2, 3)
    desk.clock.advance(hours=1)
    assert await notices.look() == 0
    again = await desk.store.change(acts.stop(notice.id, who(desk)))
    assert isinstance(again, Refused)


async def test_two_notices_that_cross_reach_each_customer_once_each(desk: Desk) -> None:
    ids = await customers(desk, 3)
    first = await begin(desk, customers=ids)
    second = await begin(desk, customers=ids, text={"en": "It is back."})
    assert await drain(desk, loop(desk)) == 6
    for notice in (first, second):
        assert (await now(desk, notice.id)).counts.queued == 3


async def test_by_tag_the_newest_such_case_is_where_it_is_said(desk: Desk) -> None:
    ids = await customers(desk, 2)
    await desk.accept(mail(sender="<c0@example.jp>", subject="Other", vouched="example.jp"))
    cases = await desk.rows("SELECT id FROM cases WHERE customer_id = :c ORDER BY id", c=ids[0])
    await desk.change(
        'UPDATE cases SET tags = \'["order 7", "x"]\' WHERE id = :c', c=cases[0]["id"]
    )
    await desk.change("UPDATE cases SET tags = '[\"order 77\"]' WHERE customer_id = :c", c=ids[1])
    await begin(desk, tag="order 7")
    assert await drain(desk, loop(desk)) == 1
    assert [row["case_id"] for row in await said(desk)] == [cases[0]["id"]]


@pytest.mark.parametrize("mode", ["watch", "approve"])
async def test_modes_hold_it_back(tmp_path: Path, mode: str) -> None:
    text = CONFIG.replace('type = "smtp"', f'type = "smtp"\nmode = "{mode}"')
    async with opened(tmp_path, text) as desk:
        ids = await customers(desk, 1)
        notice = await begin(desk, customers=ids)
        await drain(desk, loop(desk))
        counts = (await now(desk, notice.id)).counts
        if mode == "approve":
            assert (counts.drafts, [r["state"] for r in await said(desk)]) == (1, ["draft"])
        else:
            assert counts.left_out == {"watching: it would have been sent": 1}
            assert not await said(desk)


async def test_while_deliveries_pile_up_notices_wait(desk: Desk) -> None:
    ids = await customers(desk, 101)
    await begin(desk, customers=ids[:1])
    assert await loop(desk).look() == 0  # a hundred acknowledgements go first
    await desk.change("UPDATE outbox SET state = 'sent'")
    assert await loop(desk).look() == 1


async def test_one_row_that_we_fall_over_does_not_hold_up_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await customers(desk, 2)
    await desk.change(
        "UPDATE messages SET author = '[]' WHERE customer_id = :c AND direction = 'x'", c=ids[0]
    )
    notice = await begin(desk, customers=ids)
    notices = loop(desk)
    read = type(notices.draw).read  # type: ignore[attr-defined]

    def falls(self: Any, what: Any, words: Any, one: Any, end: Any) -> Any:
        if one.customer_id == ids[0]:
            raise KeyError("x")
        return read(self, what, words, one, end)

    monkeypatch.setattr(type(notices.draw), "read", falls)
    assert await drain(desk, notices) == 1
    assert (await now(desk, notice.id)).counts.left_out == {"an error of ours: KeyError": 1}
