"""What a due follow-up says and does, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway import rules
from store import schema
from store.rows import moment
from tests.gateway.follow_ups.waiting import RULES, set_status, states, wait
from tests.making import CONFIG, KEYS, NOON, Desk, mail, opened


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + RULES) as desk:
        yield desk


async def test_people_are_reminded_of_whom_nobody_answered(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    desk.clock.advance(hours=1)
    await desk.accept(mail(body="Hello?", vouched="example.jp"))  # counts from the first
    assert not await wait(desk, hours=2.9)
    said = await wait(desk, hours=0.1)
    assert [row["recipients"] for row in said] == [
        '{"to":[["","boss@example.com"]]}', '{"to":[["","desk@example.com"]]}',
    ]  # fmt: skip
    assert {row["kind"] for row in said} == {"note"}
    assert {row["counted"] for row in said} == {None}  # no word to the customer
    assert "waiting" in said[0]["subject"]
    assert len(await wait(desk, days=30)) == 2


async def test_an_answer_cancels_the_reminder(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    await set_status(desk, "open")
    assert not await wait(desk, days=3)
    assert (await states(desk))["remind"] == ("cancelled", "a person answered")


async def test_the_customer_is_nudged_and_told_when_we_close(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp", Message_ID="<q@mail.example>"))
    await set_status(desk, "pending")
    (nudge,) = await wait(desk, days=2)
    assert nudge["kind"] == "follow_up"
    assert nudge["in_reply_to"] == "q@mail.example"
    assert "On Monday 30 November" in nudge["text"]
    assert "Re: Where is my parcel?" in nudge["subject"]
    await wait(desk, days=4)
    assert (await desk.one("SELECT status FROM cases"))["status"] == "resolved"
    said = await wait(desk, days=1)
    assert [row["kind"] for row in said] == ["follow_up", "survey"]


async def test_a_word_of_the_customer_s_cancels_the_nudge_t07(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp", Message_ID="<q@mail.example>"))
    await set_status(desk, "pending")
    desk.clock.advance(days=2, seconds=-0.001)
    await desk.accept(mail(vouched="example.jp", In_Reply_To="<q@mail.example>"))
    said = await wait(desk, seconds=1)
    assert [row["kind"] for row in said] == ["note"] * 0
    assert (await states(desk))["nudge"] == ("cancelled", "the customer wrote")
    assert (await desk.one("SELECT status FROM cases"))["status"] == "open"


async def test_a_word_beside_the_firing_cancels_it_or_comes_too_late_t07(tmp_path: Path) -> None:
    """In one batch of the writer: cancelled or said, never both and never neither."""
    for n in range(8):
        folder = tmp_path / str(n)
        folder.mkdir()
        async with opened(folder, CONFIG + RULES) as desk:
            await desk.accept(mail(vouched="example.jp", Message_ID="<q@mail.example>"))
            await set_status(desk, "pending")
            desk.clock.advance(days=2)
            word = desk.accept(mail(vouched="example.jp", In_Reply_To="<q@mail.example>"))
            look = desk.follow_ups().look()
            await asyncio.gather(*((word, look) if n % 2 else (look, word)))
            said = await wait(desk, seconds=1)
            state, _ = (await states(desk))["nudge"]
            assert (state, len(said)) in {("cancelled", 0), ("fired", 1)}


async def test_a_robot_s_word_cancels_nothing(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp", Message_ID="<q@mail.example>"))
    await set_status(desk, "pending")
    away = {"Auto_Submitted": "auto-replied", "In_Reply_To": "<q@mail.example>"}
    await desk.accept(mail(vouched="example.jp", **away))
    assert [row["kind"] for row in await wait(desk, days=2)] == ["follow_up"]


async def test_a_stranger_reads_nothing_that_a_stranger_wrote(desk: Desk) -> None:
    await desk.accept(mail(subject="BUY PILLS", References="<old@evil.example>"))
    await set_status(desk, "pending")
    (nudge,) = await wait(desk, days=2)
    assert "PILLS" not in nudge["subject"] + nudge["text"] + nudge["references"]
    assert "old@evil" not in nudge["references"]


async def test_a_case_that_waits_for_us_is_not_closed_by_itself(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    await set_status(desk, "pending")
    await desk.store.write(
        lambda c, _: c.execute(schema.cases.update().values(unanswered_since="2026-11-24"))
    )
    await wait(desk, days=9)
    assert (await states(desk))["close"] == ("skipped", "the customer waits for our answer")


async def test_quiet_hours_and_a_spent_budget_put_it_off(desk: Desk) -> None:
    desk.clock.at = NOON.replace(hour=12, minute=30)  # 21:30 in Tokyo
    await desk.accept(mail(vouched="example.jp"))
    await set_status(desk, "resolved")
    assert not await wait(desk, days=1)
    assert (await states(desk))["ask"] == ("pending", "quiet hours")
    assert [row["kind"] for row in await wait(desk, hours=10.5)] == ["survey"]  # 08:00


async def test_what_is_watched_or_dead_gets_nothing(tmp_path: Path) -> None:
    watched = CONFIG.replace('type = "smtp"', 'type = "smtp"\nmode = "watch"') + RULES
    async with opened(tmp_path, watched) as desk:
        await desk.accept(mail(vouched="example.jp"))
        await set_status(desk, "pending")
        assert not await wait(desk, days=2)
        assert (await states(desk))["nudge"][1] == "watching: nudge would have been sent"


async def test_mail_that_fails_is_not_followed_up(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    await set_status(desk, "pending")
    failing = schema.identities.update().values(failing_since="2026-11-24")
    await desk.store.write(lambda c, _: c.execute(failing))
    assert not await wait(desk, days=2)
    assert (await states(desk))["nudge"] == ("skipped", "mail to this address fails")


async def test_history_is_never_followed_up(desk: Desk) -> None:
    old = NOON - timedelta(days=3)
    await desk.accept(mail(vouched="example.jp"), received_at=old)
    assert not await desk.count("follow_ups")


async def test_one_row_that_we_fall_over_does_not_hold_up_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for sender in ("a@one.example", "b@two.example"):
        await desk.accept(mail(sender=sender))
    await desk.store.write(
        lambda c, _: c.execute(
            schema.cases.update().values(status="pending", unanswered_since=None)
        )
    )
    clock = desk.follow_ups()
    bad = (await desk.rows("SELECT id FROM cases ORDER BY id LIMIT 1"))[0]["id"]
    own = rules.firing(desk.config, KEYS)
    rule = replace(own.follow.rules[0], when="pending")
    clock.fire = replace(own, follow=replace(own.follow, rules=(rule,)))
    await desk.store.write(
        lambda c, _: c.execute(
            schema.cases.update().where(schema.cases.c.id == bad).values(channel="nowhere")
        )
    )
    monkeypatch.setattr(type(own), "_way", lambda _, __, name: own.channels[name])
    desk.clock.advance(days=1)
    await clock.look()
    found = await desk.rows("SELECT state, reason FROM follow_ups ORDER BY case_id")
    assert [row["state"] for row in found] == ["skipped", "fired"]
    assert found[0]["reason"] == "an error of ours: KeyError"


async def test_what_was_missed_waits_for_the_morning_and_comes_one_by_one(desk: Desk) -> None:
    """A day asleep, waking in the night: 130 nudges, in two looks, and each once."""
    for n in range(130):
        await desk.accept(mail(sender=f"c{n}@one{n}.example"))
    await desk.change("DELETE FROM follow_ups")
    await desk.change("UPDATE cases SET status = 'pending', unanswered_since = NULL")
    await desk.change(
        "INSERT INTO follow_ups (id, case_id, conversation_id, rule, cause, state, due_at, reason)"
        " SELECT 1000000 + id, id, conversation_id, 'nudge', 'pending@2026-11-24T03:00:00.000000Z',"
        " 'pending', '2026-11-24T04:00:00.000000Z', '' FROM cases"
    )
    clock = desk.follow_ups()
    desk.clock.advance(hours=11)  # 23 h in Tokyo
    for _ in range(140):
        await clock.look()
        desk.clock.advance(seconds=1)
    found = await desk.rows("SELECT state, reason, due_at FROM follow_ups ORDER BY due_at")
    assert {(row["state"], row["reason"]) for row in found} == {("pending", "quiet hours")}
    times = [moment(row["due_at"]) for row in found]
    morning = NOON + timedelta(hours=20)  # 8 h in Tokyo
    assert times == [morning + timedelta(seconds=n) for n in range(130)]
