"""Answers to "how did we do?": votes, words, and both."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.survey import Vote, read
from tests.making import CONFIG, Desk, mail, opened

SURVEY = """
[[follow_up]]
name = "ask"
when = "resolved"
after = "1 day"
send = "survey"
[[staff]]
name = "Aiko"
address = "aiko@example.com"
notify = ["customer wrote"]
"""


@pytest.mark.parametrize(
    ("text", "vote"),
    [
        ("5", Vote(5, "")),
        (" 5! ", Vote(5, "")),
        ("５", Vote(5, "")),
        ("4点です。", Vote(4, "")),
        ("5/5", Vote(5, "")),
        ("3 out of 5", Vote(3, "")),
        ("5 \N{THUMBS UP SIGN}", Vote(5, "")),
        ("5 とても良い", Vote(5, "とても良い")),
        ("5とても良い", Vote(5, "とても良い")),
        ("2\n\nIt took too long.", Vote(2, "It took too long.")),
        ("1, never again", Vote(1, ", never again")),
    ],
)
def test_a_score_is_read_with_what_stands_beside_it(text: str, vote: Vote) -> None:
    assert read(text) == vote


@pytest.mark.parametrize(
    "text",
    ["", "0", "6", "10", "55", "Thank you!", "5 days later it is still broken", "3件届いていません",
     "5日経ちました", "1 of the two is missing", "2nd time it broke", "5x", "-1"],
)  # fmt: skip
def test_what_is_no_score_is_not_counted(text: str) -> None:
    assert read(text) is None


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + SURVEY) as desk:
        yield desk


async def surveyed(desk: Desk) -> dict[str, Any]:
    """The survey that goes out a day after a case was resolved."""
    await desk.accept(mail(vouched="example.jp"))
    await desk.change(
        "UPDATE cases SET status = 'resolved', unanswered_since = NULL, resolved_at = :at",
        at="2026-11-24T03:00:00.000000Z",
    )
    case = await desk.one("SELECT id, conversation_id FROM cases")
    await desk.change(
        "INSERT INTO follow_ups (id, case_id, conversation_id, rule, cause, state, due_at, reason)"
        " VALUES (1, :id, :conversation_id, 'ask', 'resolved@2026-11-24T03:00:00.000000Z',"
        " 'pending', '2026-11-25T03:00:00.000000Z', '')",
        **case,
    )
    desk.clock.advance(days=1)
    await desk.follow_ups().look()
    return await desk.one("SELECT * FROM messages WHERE kind = 'survey'")


async def answer(desk: Desk, body: str, **headers: str) -> None:
    asked = await desk.one("SELECT message_id FROM messages WHERE kind = 'survey'")
    desk.clock.at += timedelta(minutes=1)
    threaded = {"In_Reply_To": f"<{asked['message_id']}>"} | headers
    await desk.accept(mail(body=body, vouched="example.jp", **threaded))


async def votes(desk: Desk) -> list[dict[str, Any]]:
    found = await desk.rows(
        "SELECT data FROM events WHERE type = 'survey.answered' ORDER BY cursor"
    )
    return [json.loads(row["data"]) for row in found]


async def told(desk: Desk) -> int:
    return len(await desk.rows("SELECT id FROM messages WHERE kind = 'notice'"))


async def test_a_bare_number_is_a_vote_and_reopens_nothing(desk: Desk) -> None:
    survey = await surveyed(desk)
    await answer(desk, "4")
    await answer(
        desk,
        "5!\n\nOn Wed, 25 Nov 2026 at 12:00, Example Support <support@example.com> wrote:\n> How did we do?",
    )
    assert [(v["score"], v["comment"], v["survey_id"]) for v in await votes(desk)] == [
        (4, "", survey["id"]),
        (5, "", survey["id"]),
    ]
    case = await desk.one("SELECT status, unanswered_since FROM cases")
    assert case == {"status": "resolved", "unanswered_since": None}
    assert not await told(desk)
    assert await desk.count("outbox") == 2  # the acknowledgement and the survey


async def test_a_bad_score_is_told_at_once(desk: Desk) -> None:
    await surveyed(desk)
    await answer(desk, "1")
    assert await told(desk) == 1
    assert (await desk.one("SELECT status FROM cases"))["status"] == "resolved"


async def test_a_comment_is_a_word_that_a_person_reads(desk: Desk) -> None:
    await surveyed(desk)
    await answer(desk, "5 but the box was torn")
    (vote,) = await votes(desk)
    assert (vote["score"], vote["comment"]) == (5, "but the box was torn")
    assert (await desk.one("SELECT status FROM cases"))["status"] == "open"
    assert await told(desk) == 1


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "auto-replied"}, {"In_Reply_To": ""}, {"sender": "eve@example.jp"}],
)
async def test_robots_strangers_and_other_matters_do_not_vote(
    desk: Desk, headers: dict[str, str]
) -> None:
    await surveyed(desk)
    await answer(desk, "5", **headers)
    assert not await votes(desk)


async def test_a_robot_is_not_asked(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp", Auto_Submitted="auto-generated"))
    case = await desk.one("SELECT id, conversation_id FROM cases")
    await desk.change(
        "INSERT INTO follow_ups (id, case_id, conversation_id, rule, cause, state, due_at, reason)"
        " VALUES (1, :id, :conversation_id, 'ask', 'resolved@2026-11-24T03:00:00.000000Z',"
        " 'pending', '2026-11-24T03:00:00.000000Z', '')",
        **case,
    )
    await desk.change("UPDATE cases SET status = 'resolved'")
    await desk.follow_ups().look()
    ended = await desk.one("SELECT state, reason FROM follow_ups")
    assert ended == {"state": "skipped", "reason": "a robot wrote this"}
