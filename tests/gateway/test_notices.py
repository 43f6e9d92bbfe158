"""What customers hear when a person changes the status or the stage of their case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.desk import acts
from gateway.desk.speak import Who
from gateway.desk.wanted import Change, Reply
from gateway.rules import desk as desk_of
from tests.gateway.config.test_errors import problems
from tests.making import CONFIG, KEYS, Desk, mail, opened

NOTICES = """
[acknowledge]
templates = "texts"
[notices]
on = ["open", "on_hold", "resolved"]
stages = { shipped = "shipped" }
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    for form, start in (("long", "Subject: On its way\n\n"), ("short", "")):
        text = tmp_path / f"texts/en/shipped.{form}.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(f"{start}Your parcel is on its way. ({{{{ reference }}}})\n")
    async with opened(tmp_path, CONFIG + NOTICES) as desk:
        await desk.accept(mail(vouched="example.jp"))
        yield desk


async def alter(desk: Desk, **wanted: Any) -> None:
    """As a person does it over the API."""
    who = Who("Aiko", "", desk.clock())
    case = await desk.one("SELECT id FROM cases")
    act = acts.alter(desk_of(desk.config, KEYS), case["id"], Change(**wanted), who)
    await desk.store.change(act)


async def said(desk: Desk, **after: float) -> list[str]:
    """The notices, once so much time has passed."""
    desk.clock.advance(**after)
    await desk.follow_ups().look()
    query = "SELECT text FROM messages WHERE kind = 'notice' ORDER BY id"
    return [row["text"] for row in await desk.rows(query)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "open"}, "A member of our team is now working on your message"),
        ({"status": "on_hold"}, "There is nothing that you need to do."),
        ({"status": "resolved"}, "as settled for now"),
        ({"stage": "shipped"}, "Your parcel is on its way."),
    ],
)
async def test_a_change_is_told_in_words_a_minute_later(
    desk: Desk, change: dict[str, str], words: str
) -> None:
    await alter(desk, **change)
    assert not await said(desk, seconds=59)
    (text,) = await said(desk, seconds=1)
    assert words in text
    assert not {"on_hold", "resolved", "status"} & set(text.split())
    assert len(await said(desk, days=9)) == 1


async def test_several_changes_of_a_minute_are_one_notice(desk: Desk) -> None:
    await alter(desk, status="on_hold")
    await alter(desk, status="open", stage="packed")
    await alter(desk, stage="shipped")
    (text,) = await said(desk, minutes=2)
    assert "on its way" in text


async def test_what_was_taken_back_is_not_told(desk: Desk) -> None:
    await alter(desk, status="resolved")
    await alter(desk, status="pending")
    assert not await said(desk, days=1)


async def test_an_answer_within_the_minute_says_it_itself(desk: Desk) -> None:
    await alter(desk, status="open")
    case = await desk.one("SELECT id FROM cases")
    who = Who("Aiko", "", desk.clock())
    reply = acts.reply(desk_of(desk.config, KEYS), case["id"], Reply(text="It is here."), (), who)
    await desk.store.change(reply)
    assert not await said(desk, days=1)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "open", "notify_customer": False},
        {"status": "open", "tags": ["sensitive"]},
        {"status": "pending"},
        {"stage": "packed"},
        {"owner": "Aiko"},
    ],
)
async def test_nothing_is_told_that_nobody_wants_told(desk: Desk, change: dict[str, Any]) -> None:
    await alter(desk, **change)
    assert not await said(desk, days=1)
    assert not await desk.count("follow_ups")


async def test_a_customer_s_own_word_is_no_change_by_us(desk: Desk) -> None:
    await alter(desk, status="resolved", notify_customer=False)
    first = await desk.one("SELECT message_id FROM messages WHERE direction = 'in'")
    await desk.accept(mail(vouched="example.jp", In_Reply_To=f"<{first['message_id']}>"))
    assert (await desk.one("SELECT status FROM cases"))["status"] == "open"
    assert not await said(desk, days=1)


def test_a_stage_without_its_template_is_an_error(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '[notices]\nstages = { shipped = "shiped" }\n')
    assert (problem.line, problem.key) == (2, "notices.stages.shipped")
    assert 'the template "shiped" is not there' in problem.message
