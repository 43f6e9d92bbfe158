"""A promised reply time is watched: our people hear before it passes, and then the customer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from gateway.desk import change
from gateway.desk.speak import Who
from gateway.desk.wanted import Status
from gateway.rules import firing
from normalizer.message import Transport
from store import rows, schema
from store.known import Changes
from tests.making import CONFIG, KEYS, NOON, Desk, mail, opened

PROMISE = """
[calendar]
hours = { mon-fri = ["09:00-18:00"] }
[promise]
warn = "1 business hour"
notify = ["desk@example.com"]
notice = "15 minutes"
"""
# Written at noon on Tuesday in Tokyo: promised by 16:00 (and a minute) of the same day.


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + PROMISE) as desk:
        yield desk


async def said(desk: Desk, **after: float) -> list[dict[str, Any]]:
    """What was said by ourselves besides acknowledgements, so long after noon."""
    desk.clock.at = NOON + timedelta(**after)
    await desk.follow_ups().look()
    return await desk.rows(
        "SELECT m.kind, m.subject, m.text, m.recipients, o.automatic, o.state FROM messages m"
        " JOIN outbox o ON o.message_id = m.id WHERE m.kind <> 'acknowledgement' ORDER BY m.id"
    )


async def kinds(desk: Desk, **after: float) -> list[str]:
    return [row["kind"] for row in await said(desk, **after)]


async def answer(desk: Desk, status: Status | None = None) -> None:
    """As a person does it over the API."""
    follow = firing(desk.config, KEYS).follow

    def plan(connection: Connection, changes: Changes) -> None:
        case = rows.Case(*connection.execute(select(schema.cases)).one())
        change.answered(case, status, Who("Aiko", "", desk.clock()), follow, changes)

    await desk.store.change(plan)


async def test_our_people_hear_an_hour_before_and_the_customer_before_it_breaks(
    desk: Desk,
) -> None:
    await desk.accept(mail(vouched="example.jp"))
    assert not await kinds(desk, hours=2, minutes=59)
    (reminder,) = await said(desk, hours=3, minutes=1)
    assert reminder["recipients"] == '{"to":[["","desk@example.com"]]}'
    assert "We promised a reply by 4:30 pm" in reminder["text"]
    assert await kinds(desk, hours=3, minutes=45) == ["note"]
    _, notice = await said(desk, hours=3, minutes=46)
    assert notice["kind"] == "notice"
    assert notice["recipients"] == '{"to":[["","yuki@example.jp"]]}'
    # Four business hours from then on: 15:47 and 1:47 of tomorrow.
    assert "will reply by 11 am tomorrow" in notice["text"]


async def test_one_promise_is_told_of_once_and_the_customer_twice_in_all(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    for day in range(30):
        await kinds(desk, days=day)
    assert await kinds(desk, days=31) == ["note", "notice"] * 2 + ["note"]
    assert await desk.count("follow_ups") == 5


@pytest.mark.parametrize("status", [None, "resolved"])
async def test_an_answer_calls_it_all_off(desk: Desk, status: Status | None) -> None:
    await desk.accept(mail(vouched="example.jp"))
    await answer(desk, status)
    assert not await kinds(desk, days=9)
    found = await desk.rows("SELECT state, reason FROM follow_ups")
    assert found == 2 * [{"state": "cancelled", "reason": "a person answered"}]


async def test_a_mail_of_ours_seen_in_sent_calls_it_off(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp", Message_ID="<q@mail.example>"))
    raw = mail(
        sender="Aiko <support@example.com>", To="yuki@example.jp", In_Reply_To="<q@mail.example>"
    )
    await desk.accept(raw, transport=Transport(sent=True))
    assert not await kinds(desk, days=9)


async def test_who_asks_again_is_not_promised_anew(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp", Message_ID="<q@mail.example>"))
    desk.clock.advance(hours=1)
    await desk.accept(mail(vouched="example.jp", In_Reply_To="<q@mail.example>"))
    assert await desk.count("follow_ups") == 2


@pytest.mark.parametrize(
    ("headers", "received"),
    [({"Auto_Submitted": "auto-generated"}, NOON), ({}, NOON - timedelta(days=3))],
)
async def test_robots_and_history_are_promised_nothing(
    desk: Desk, headers: dict[str, str], received: datetime
) -> None:
    await desk.accept(mail(vouched="example.jp", **headers), received_at=received)
    assert not await desk.count("follow_ups")


async def test_who_only_watches_promises_nothing(tmp_path: Path) -> None:
    watched = CONFIG.replace('type = "smtp"', 'type = "smtp"\nmode = "watch"') + PROMISE
    async with opened(tmp_path, watched) as desk:
        await desk.accept(mail(vouched="example.jp"))
        assert not await kinds(desk, hours=5)
        assert not await desk.count("v_promises")


async def test_a_notice_waits_for_a_person_in_approve_and_for_quiet_hours(tmp_path: Path) -> None:
    text = CONFIG.replace('type = "smtp"', 'type = "smtp"\nmode = "approve"') + PROMISE
    async with opened(
        tmp_path, text.replace("[promise]", 'quiet = "15:00-08:00"\n[promise]')
    ) as desk:
        await desk.accept(mail(vouched="example.jp"))
        assert await kinds(desk, hours=4) == ["note"]
        *_, notice = await said(desk, hours=20)  # 08:00
        assert (notice["kind"], notice["state"]) == ("notice", "draft")
        assert "will reply by 1 pm today" in notice["text"]


async def test_without_the_table_nothing_is_watched(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        assert not desk.config.rules()
        await desk.accept(mail(vouched="example.jp"))
        assert not await desk.count("follow_ups")
