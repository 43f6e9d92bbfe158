"""By when a customer hears from us next is watched: our people are told, and then the customer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway import rules
from gateway.desk import acts
from gateway.desk.speak import Refused, Who
from gateway.desk.wanted import Change, Reply
from normalizer.message import Transport
from store.rows import instant
from tests.making import CONFIG, KEYS, NOON, Desk, mail, opened

RULES = """
[calendar]
hours = { mon-fri = ["09:00-18:00"] }
[promise]
warn = "1 business hour"
notify = ["desk@example.com"]
notice = "15 minutes"
[[follow_up]]
name = "nudge"
when = "pending"
after = "2 days"
send = "nudge"
[[follow_up]]
name = "close"
when = "pending"
after = "4 days"
set_status = "resolved"
"""
THURSDAY = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)  # 17:00 in Tokyo
REASON = "the manufacturer's answer"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + RULES) as desk:
        await desk.accept(mail(vouched="example.jp", Message_ID="<q@mail.example>"))
        yield desk


async def reply(desk: Desk, **wanted: Any) -> None:
    """As a person answers over the API."""
    await act(desk, Reply(**({"text": "We have asked them."} | wanted)))


async def alter(desk: Desk, **wanted: Any) -> None:
    await act(desk, Change(**wanted))


async def act(desk: Desk, wanted: Change | Reply) -> None:
    who, case = Who("Aiko", "", desk.clock()), await desk.one("SELECT max(id) AS id FROM cases")
    talking = rules.desk(desk.config, KEYS)
    done: acts.Act[Any] = (
        acts.reply(talking, case["id"], wanted, (), who)
        if isinstance(wanted, Reply)
        else acts.alter(talking, case["id"], wanted, who)
    )
    outcome = await desk.store.change(done)
    assert not isinstance(outcome, Refused), outcome


async def promise(desk: Desk, **more: Any) -> None:
    """The usual way: we ask the manufacturer, and the customer hears from us by Thursday."""
    await reply(desk, next_update_by=THURSDAY.isoformat(), waiting_for=REASON, **more)


async def owed(desk: Desk) -> tuple[str | None, str]:
    case = await desk.one("SELECT next_update_by, waiting_for FROM cases ORDER BY id LIMIT 1")
    return case["next_update_by"], case["waiting_for"]


async def said(desk: Desk, at: datetime) -> list[dict[str, Any]]:
    """What was said by ourselves until then, besides acknowledgements."""
    desk.clock.at = at
    await desk.follow_ups().look()
    return await desk.rows(
        "SELECT m.kind, m.subject, m.text, m.recipients, m.promised_by, o.state FROM messages m"
        " JOIN outbox o ON o.message_id = m.id"
        " WHERE m.kind NOT IN ('acknowledgement', 'reply') ORDER BY m.id"
    )


async def kinds(desk: Desk, at: datetime) -> list[str]:
    return [row["kind"] for row in await said(desk, at)]


async def ended(desk: Desk, rule: str) -> list[tuple[str, str]]:
    query = "SELECT state, reason FROM follow_ups WHERE rule = :rule ORDER BY id"
    return [(row["state"], row["reason"]) for row in await desk.rows(query, rule=rule)]


async def test_our_people_hear_an_hour_before_and_the_customer_before_having_to_ask(
    desk: Desk,
) -> None:
    await promise(desk)
    assert not await kinds(desk, THURSDAY - timedelta(minutes=61))
    (reminder,) = await said(desk, THURSDAY - timedelta(minutes=59))
    assert reminder["recipients"] == '{"to":[["","desk@example.com"]]}'
    assert f"What we are waiting for: {REASON}" in reminder["text"]
    _, notice = await said(desk, THURSDAY - timedelta(minutes=14))
    assert (notice["kind"], notice["promised_by"]) == ("notice", None)
    assert notice["recipients"] == '{"to":[["","yuki@example.jp"]]}'
    assert f"What we are waiting for: {REASON}" in notice["text"]
    # Four business hours from 16:46 on: 1:14 of today, and the rest of tomorrow.
    assert "write to you again by noon tomorrow" in notice["text"]
    assert await owed(desk) == ("2026-11-27T03:00:00.000000Z", REASON)
    told = await desk.one("SELECT data FROM events WHERE type = 'case.changed' ORDER BY cursor DESC LIMIT 1")  # fmt: skip
    assert json.loads(told["data"]) | {"case_id": 0} == {
        "case_id": 0, "by": "follow_up:promise.update_notice",
        "before": {"next_update_by": instant(THURSDAY)},
        "after": {"next_update_by": "2026-11-27T03:00:00.000000Z"},
    }  # fmt: skip


async def test_the_customer_hears_twice_at_most_and_our_people_each_time(desk: Desk) -> None:
    await promise(desk)
    for day in range(30):
        await kinds(desk, NOON + timedelta(days=day))
    assert await kinds(desk, NOON + timedelta(days=31)) == ["note", "notice"] * 2 + ["note"]
    assert (await owed(desk))[0] is not None  # still owed, for everybody to see


async def test_the_next_answer_keeps_it_and_may_make_another(desk: Desk) -> None:
    await promise(desk)
    await reply(desk, next_update_by="next business day 10:00")
    assert await owed(desk) == ("2026-11-25T01:00:00.000000Z", "")
    await reply(desk)
    assert await owed(desk) == (None, "")
    assert not await kinds(desk, NOON + timedelta(days=9))
    assert await ended(desk, "promise.update_notice") == [
        ("cancelled", "another time was said"), ("cancelled", "no word is owed any more"),
    ]  # fmt: skip


async def test_a_mail_of_ours_seen_in_sent_keeps_it_unless_it_is_older(desk: Desk) -> None:
    async def seen(at: datetime) -> None:
        raw = mail("Aiko <support@example.com>", To="yuki@example.jp", In_Reply_To="<q@mail.example>")  # fmt: skip
        await desk.accept(raw, transport=Transport(sent=True), received_at=at)

    desk.clock.advance(minutes=5)
    await alter(desk, next_update_by=THURSDAY.isoformat())
    await seen(NOON + timedelta(minutes=4))  # "by Thursday", it says
    assert (await owed(desk))[0] == instant(THURSDAY)
    desk.clock.advance(minutes=5)
    await seen(desk.clock())
    assert await owed(desk) == (None, "")


async def test_a_word_of_the_customer_s_leaves_it(desk: Desk) -> None:
    await promise(desk)
    await desk.accept(mail(vouched="example.jp", In_Reply_To="<q@mail.example>"))
    assert await owed(desk) == (instant(THURSDAY), REASON)


async def test_resolving_ends_it(desk: Desk) -> None:
    await promise(desk)
    await alter(desk, status="resolved")
    assert await owed(desk) == (None, "")
    assert not await kinds(desk, NOON + timedelta(days=9))


async def test_nothing_asks_or_closes_while_we_owe_a_word_and_all_counts_from_it(
    desk: Desk,
) -> None:
    await promise(desk, status="pending")
    assert not await kinds(desk, THURSDAY - timedelta(hours=3))  # the nudge was due
    assert await ended(desk, "nudge") == [("cancelled", "we owe the customer an update first")]
    await reply(desk)
    since = desk.clock()
    assert not await kinds(desk, since + timedelta(days=1, hours=23))
    (nudge,) = await said(desk, since + timedelta(days=2))
    assert "On Monday 30 November we will mark it as settled" in nudge["text"]
    await kinds(desk, since + timedelta(days=4))
    assert (await desk.one("SELECT status FROM cases"))["status"] == "resolved"


async def test_a_time_taken_away_by_hand_lets_the_wait_begin_anew(desk: Desk) -> None:
    await promise(desk, status="pending")
    await alter(desk, next_update_by="")
    assert await owed(desk) == (None, "")
    assert [state for state, _ in await ended(desk, "close")] == ["cancelled", "pending"]


async def test_times_may_come_again_and_one_alone_is_watched(desk: Desk) -> None:
    await reply(desk)
    for day in (1, 2, 1, 1, 2):
        await alter(desk, next_update_by=(NOON + timedelta(days=day)).isoformat())
    states = [state for state, _ in await ended(desk, "promise.update_warn")]
    assert states == ["cancelled"] * 3 + ["pending"]
    assert await kinds(desk, NOON + timedelta(days=2)) == ["notice", "note"]  # late, but told


async def test_of_changes_at_the_same_time_the_last_is_watched_and_no_other(desk: Desk) -> None:
    days = (1, 2, 3, 4, 5)
    times = [(NOON + timedelta(days=day)).isoformat() for day in days]
    await asyncio.gather(*(alter(desk, next_update_by=one) for one in times))
    found = await desk.rows("SELECT cause FROM follow_ups WHERE state = 'pending'"
                            " AND rule LIKE 'promise.update%'")  # fmt: skip
    assert {row["cause"].partition("@")[2] for row in found} == {(await owed(desk))[0]}
    assert len(found) == 2


async def test_an_answer_just_before_it_is_due_cancels_or_comes_after_never_both(
    desk: Desk,
) -> None:
    await promise(desk)
    desk.clock.at = THURSDAY - timedelta(minutes=15)
    await asyncio.gather(desk.follow_ups().look(), reply(desk), desk.follow_ups().look())
    states = [state for state, _ in await ended(desk, "promise.update_notice")]
    assert states in (["cancelled"], ["fired", "cancelled"])  # the new time is kept, too
    said_so = [kind for kind in await kinds(desk, NOON + timedelta(days=9)) if kind == "notice"]
    assert len(said_so) == states.count("fired")
    assert await owed(desk) == (None, "")


async def test_a_sensitive_case_and_a_robot_s_are_our_people_s_alone(desk: Desk) -> None:
    await promise(desk)
    await alter(desk, tags=["sensitive"])
    assert await kinds(desk, NOON + timedelta(days=9)) == ["note"]
    assert (await owed(desk))[0] == instant(THURSDAY)
    await desk.accept(mail("robot@example.jp", "Report", Auto_Submitted="auto-generated"))
    await alter(desk, next_update_by="1 day", status="open")
    assert await kinds(desk, NOON + timedelta(days=19)) == ["note", "note"]


async def test_the_notice_waits_for_the_end_of_quiet_hours_and_for_approval(tmp_path: Path) -> None:
    text = (CONFIG + RULES).replace("[promise]", 'quiet = "16:00-08:00"\n[promise]')
    text = text.replace('type = "smtp"', 'type = "smtp"\nmode = "approve"')
    async with opened(tmp_path, text) as desk:
        await desk.accept(mail(vouched="example.jp"))
        await promise(desk)
        assert await kinds(desk, THURSDAY) == ["note"]
        assert (await owed(desk))[0] == instant(THURSDAY)
        *_, notice = await said(desk, THURSDAY + timedelta(hours=15))
        assert (notice["kind"], notice["state"]) == ("notice", "draft")
        assert "by 1 pm today" in notice["text"]


async def test_where_we_only_watch_our_people_are_told_and_the_time_stays(tmp_path: Path) -> None:
    text = (CONFIG + RULES).replace('type = "smtp"', 'type = "smtp"\nmode = "watch"')
    async with opened(tmp_path, text) as desk:
        await desk.accept(mail(vouched="example.jp"))
        await promise(desk)
        assert [row for row in await kinds(desk, NOON + timedelta(days=9)) if row != "notice"] == [
            "note"
        ]
        assert await owed(desk) == (instant(THURSDAY), REASON)
        (watched,) = await ended(desk, "promise.update_notice")
        assert watched == ("skipped", "watching: update would have been sent")


async def test_a_clock_that_jumps_fires_it_once(desk: Desk) -> None:
    await promise(desk)
    for days in (400, -30, 400, 401):
        await kinds(desk, NOON + timedelta(days=days))
    assert await kinds(desk, NOON + timedelta(days=500)) == ["note", "notice"] * 2 + ["note"]


async def test_in_japanese_it_says_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path, CONFIG + RULES) as desk:
        await desk.accept(
            mail("山田 <yuki@example.jp>", "注文", "届きません。", vouched="example.jp")
        )
        await reply(desk, next_update_by="2 business days", waiting_for="メーカーからの回答")
        _, notice = await said(desk, NOON + timedelta(days=2, minutes=-10))
        assert "お待ちいただいている理由:メーカーからの回答" in notice["text"]
        assert "本日16時までに、進み具合にかかわらず、担当者から" in notice["text"]


async def test_the_reason_is_one_clean_line(desk: Desk) -> None:
    await reply(
        desk, next_update_by="1 day", waiting_for="  a\r\nBcc: x@example.net\u202e{{ phone }}"
    )
    assert (await owed(desk))[1] == "a Bcc: x@example.net{{ phone }}"
    *_, notice = await said(desk, NOON + timedelta(days=1))
    assert "waiting for: a Bcc: x@example.net{{ phone }}\n" in notice["text"]


async def test_that_it_has_to_wait_says_for_what_and_until_when(tmp_path: Path) -> None:
    async with opened(tmp_path, CONFIG + '[notices]\non = ["on_hold"]\n') as desk:
        await desk.accept(mail(vouched="example.jp"))
        by = THURSDAY.isoformat()
        await alter(desk, status="on_hold", next_update_by=by, waiting_for="the spare part")
        (notice,) = await said(desk, NOON + timedelta(minutes=2))
        assert "has to happen first (the spare part)." in notice["text"]
        assert "write to you here by 5 pm on Thursday 26 November" in notice["text"]


async def test_without_the_table_it_is_kept_and_not_watched(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.accept(mail(vouched="example.jp"))
        await promise(desk)
        assert await owed(desk) == (instant(THURSDAY), REASON)
        assert not await desk.count("follow_ups")
