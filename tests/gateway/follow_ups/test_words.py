"""The words of a follow-up: their language, the name in them, and what they announce."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.follow_ups.waiting import RULES, set_status, states, wait
from tests.making import CONFIG, Desk, mail, opened

KANA = "注文した品がまだ届きません。いつごろ届くでしょうか。"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + RULES) as desk:
        yield desk


async def test_a_word_without_a_language_is_answered_in_the_customer_s_earlier_one(
    desk: Desk,
) -> None:
    await desk.accept(mail(body=KANA, vouched="example.jp", Message_ID="<q@mail.example>"))
    await desk.accept(mail(body="12345678", vouched="example.jp", In_Reply_To="<q@mail.example>"))
    await set_status(desk, "pending")
    (nudge,) = await wait(desk, days=2)
    assert nudge["language"] == "ja"
    assert "その後いかがでしょうか" in nudge["text"]


async def test_a_nudge_announces_the_day_to_which_the_end_was_put_off(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    await set_status(desk, "pending")
    await desk.change(
        "UPDATE follow_ups SET due_at = '2026-12-07T03:00:00.000000Z' WHERE rule = 'close'"
    )
    (nudge,) = await wait(desk, days=2)
    assert "On Monday 7 December we will mark it as settled" in nudge["text"]


async def test_nothing_is_said_to_be_settled_while_we_owe_an_answer(tmp_path: Path) -> None:
    rules = "".join(
        f'[[follow_up]]\nname = "{name}"\nwhen = "pending"\nafter = "1 hour"\nsend = "{name}"\n'
        for name in ("closing", "survey")
    )
    async with opened(tmp_path, CONFIG + rules) as desk:
        await desk.accept(mail(vouched="example.jp"))
        await set_status(desk, "pending")
        await desk.change("UPDATE cases SET unanswered_since = '2026-11-24T03:00:00.000000Z'")
        assert not await wait(desk, hours=2)
        owed = ("skipped", "the customer waits for our answer")
        assert await states(desk) == {"closing": owed, "survey": owed}


async def test_a_name_on_record_is_said_to_an_authenticated_customer_alone(desk: Desk) -> None:
    await desk.accept(mail("ゆき🌸 <yuki@example.jp>", body=KANA, vouched="example.jp"))
    await desk.change("UPDATE customers SET name = '田中'")
    await desk.accept(mail("ゆき🌸 <yuki@example.jp>", "二つ目", KANA, vouched="example.jp"))
    desk.clock.advance(days=2)
    await desk.accept(mail("ゆき🌸 <yuki@example.jp>", "三つ目", KANA))  # unvouched
    said = await desk.rows("SELECT text FROM messages WHERE kind = 'acknowledgement' ORDER BY id")
    assert [row["text"].startswith("田中様\n") for row in said] == [False, True, False]
    assert not [row for row in said if "ゆき" in row["text"]]


async def test_a_nudge_greets_a_customer_by_the_name_on_record(desk: Desk) -> None:
    await desk.accept(mail("Yuki <yuki@example.jp>", vouched="example.jp"))
    await desk.change("UPDATE customers SET name = 'Ms Tanaka'")
    await set_status(desk, "pending")
    (nudge,) = await wait(desk, days=2)
    assert nudge["text"].startswith("Hello Ms Tanaka,\n")
