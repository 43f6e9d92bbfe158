"""Answers to "how did we do?": votes, words, and both."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from gateway.surveys.answer import answered
from gateway.surveys.scale import CES, CSAT, NPS, Scale, Vote, read
from normalizer.message import Claim, Identity
from store.known import Arrival, Author, Known, Person, Seen
from store.rows import Survey, instant
from tests.gateway.desk.test_speak import CASE
from tests.making import CONFIG, Desk, arrival, mail, message, opened

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
        ("評価：5", Vote(5, "")),
        ("Score: 4", Vote(4, "")),
        ("5 stars, thank you", Vote(5, ", thank you")),
        ("4つ星です", Vote(4, "")),
        ("4.5", Vote(4, "")),
        ("5 / 5 - great", Vote(5, "- great")),
        ("★★★★★", Vote(5, "")),
        ("★★★★☆", Vote(4, "")),
        ("★☆☆☆☆です", Vote(1, "")),
        ("⭐️⭐️⭐️", Vote(3, "")),
        ("★★★ 遅かったです", Vote(3, "遅かったです")),
        ("★★\n3回電話しました", Vote(2, "3回電話しました")),
        ("★★★★★ありがとうございました", Vote(5, "ありがとうございました")),
        ("評価:★★★★", Vote(4, "")),
        ("満足度：4", Vote(4, "")),
        ("4点でした", Vote(4, "")),
        ("5点満点で4点です", Vote(4, "")),
        ("5点満点の4", Vote(4, "")),
        ("★", Vote(1, "")),
        ("★4", Vote(4, "")),
        ("★４です", Vote(4, "")),
        ("5★", Vote(5, "")),
        ("星4つです。", Vote(4, "")),
        ("満足", Vote(4, "")),
        ("大変満足です！", Vote(5, "")),
        ("ふつう", Vote(3, "")),
        ("不満です\n説明がほしかったです", Vote(2, "説明がほしかったです")),
        ("I'm very satisfied!", Vote(5, "")),
        ("not satisfied", Vote(2, "")),
        ("Not well.", Vote(1, "")),
    ],
)
def test_a_score_is_read_with_what_stands_beside_it(text: str, vote: Vote) -> None:
    assert read(text, CSAT) == vote


@pytest.mark.parametrize(
    "text",
    ["", "0", "6", "10", "55", "Thank you!", "5 days later it is still broken", "3件届いていません",
     "5日経ちました", "1 of the two is missing", "2nd time it broke", "5x", "-1",
     "5 business days have passed", "1 more thing", "1 question: where is it?", "5/12に届きました",
     "5:30 would suit me", "5,000円返してください", "3-4 days", "1点だけ確認させてください", "1つ質問です",
     "2台目が届きません", "1番の品です", "5万円です",
     "5点満点です", "100点満点", "★★★新製品", "☆☆☆☆☆", "★★★★★★", "★★☆", "★★重要★★", "★お願い", "⭐ Thank you", "★注文番号1234", "★12345", "★4-1234",
     "星4つの商品が壊れました", "満足していません", "満足、と言いたいところですが", "Well, it is still broken",
     "unsatisfied customers wait",
     "4-A1234", "3 1234 5678", "5_2026", "2/B7", "5 #1234", "3A-1234", "4 A1234", "注文番号 5", "No. 5",
     "> 5", "> ★★★★★", "| 満足"],
)  # fmt: skip
def test_what_is_no_score_is_not_counted(text: str) -> None:
    assert read(text, CSAT) is None


@pytest.mark.parametrize("text", ["★★★★★", "5 stars", "4つ星", "★4", "9★", "満足", "3 out of 5"])
@pytest.mark.parametrize("scale", [CES, NPS])
def test_stars_and_words_of_one_to_five_are_no_score_of_a_longer_scale(
    text: str, scale: Scale
) -> None:
    assert read(text, scale) is None


@pytest.mark.parametrize("text", ["★ " * 5000, "★" * 9999 + "x", "1 " + "a" * 9999, "満足" * 5000])
def test_a_long_text_takes_no_time(text: str) -> None:
    began = perf_counter()
    assert read(text, CSAT) is None or text.startswith("1")
    assert perf_counter() - began < 5


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


async def test_a_survey_is_answered_as_long_as_it_is_open(desk: Desk) -> None:
    await surveyed(desk)
    desk.clock.advance(days=15)
    await answer(desk, "5")
    assert not await votes(desk)
    assert (await desk.one("SELECT score FROM surveys"))["score"] is None
    # A late number is no new matter, either.
    assert await desk.count("cases") == 1


async def test_of_several_answers_the_last_is_counted(desk: Desk) -> None:
    survey = await surveyed(desk)
    await answer(desk, "1")
    await answer(desk, "4 after all")
    asked = await desk.one("SELECT id, scale, score, comment, answered_at FROM surveys")
    assert asked == {
        "id": survey["id"], "scale": "csat", "score": 4, "comment": "after all",
        "answered_at": instant(desk.clock()),
    }  # fmt: skip


async def test_the_owner_of_a_case_hears_of_a_bad_score_whatever_else_he_wants_to_know(
    tmp_path: Path,
) -> None:
    quiet = SURVEY.replace('notify = ["customer wrote"]', "")
    async with opened(tmp_path, CONFIG + quiet) as desk:
        await surveyed(desk)
        await answer(desk, "1")
        assert not await told(desk)
        await desk.change("UPDATE cases SET owner = 'AIKO'")
        await answer(desk, "2")
        notice = await desk.one("SELECT text, recipients FROM messages WHERE kind = 'notice'")
        assert "has answered the survey: 2/5." in notice["text"]
        assert "aiko@example.com" in notice["recipients"]


async def test_nobody_is_asked_who_wrote_too_long_ago(tmp_path: Path) -> None:
    async with opened(tmp_path, CONFIG + SURVEY) as desk:
        await desk.accept(mail(vouched="example.jp"))
        case = await desk.one("SELECT id, conversation_id FROM cases")
        await desk.change(
            "INSERT INTO follow_ups (id, case_id, conversation_id, rule, cause, state, due_at, reason)"
            " VALUES (1, :id, :conversation_id, 'ask', 'resolved@2026-11-24T03:00:00.000000Z',"
            " 'pending', '2027-01-03T03:00:00.000000Z', '')",
            **case,
        )
        await desk.change("UPDATE cases SET status = 'resolved', unanswered_since = NULL")
        desk.clock.advance(days=41)
        await desk.follow_ups().look()
        ended = await desk.one("SELECT state, reason FROM follow_ups")
        assert ended == {"state": "skipped", "reason": "too long ago to ask how we did"}


GAP = timedelta(hours=24)
YUKI = Identity("pager", "yuki")


def _said(known: Known, text: str, *, pressed: str = "", **more: Any) -> tuple[Known, Arrival]:
    facts: dict[str, Any] = {"claims": (Claim("platform", YUKI, ""),), "text": text}
    content = message(reply_text=text, pressed=pressed, **(facts | more))
    author = Author(YUKI, "Yuki", True, "the platform knows the sender")
    return known, replace(arrival(content), author=author, gap=GAP)


def _asked(*, last: int = 8) -> Known:
    """Two surveys in one conversation, and another customer's; `last` is our last word."""
    known = Known()
    known.people["pager:yuki"] = Person(1, 2, 3, "en", failing=False)
    later = "2026-12-08T03:00:00.000000Z"
    for id_, conversation, scale in ((7, 3, "csat"), (8, 3, "nps"), (9, 4, "csat")):
        case = CASE._replace(id=30 + id_, conversation_id=conversation)
        known.cases[case.id] = case
        known.surveys[id_] = Survey(id_, case.id, scale, "2026-11-24T02:00:00.000000Z", later)
    known.last_said[3] = last
    return known


def _vote(known: Known, came: Arrival) -> tuple[int, int, str] | None:
    assert came.message is not None
    found = answered(known, came, came.message)
    return (found.survey.id, found.score, found.comment) if found else None


def test_a_button_votes_in_the_presser_s_own_conversation() -> None:
    assert _vote(*_said(_asked(), "10", pressed="vote:10")) == (8, 10, "")
    assert _vote(*_said(_asked(last=99), "0", pressed="vote:0")) == (8, 0, "")


def test_a_button_votes_on_the_survey_that_held_it() -> None:
    known, came = _said(_asked(), "5", pressed="vote:5", in_reply_to="4711")
    known.reported[came.channel, "4711"] = Seen(7, 3, 37, None)
    assert _vote(known, came) == (7, 5, "")


def test_a_button_of_somebody_else_s_survey_votes_on_ones_own() -> None:
    known, came = _said(_asked(), "5", pressed="vote:5", in_reply_to="4712")
    known.reported[came.channel, "4712"] = Seen(9, 4, 39, None)
    assert _vote(known, came) == (8, 5, "")


def test_a_number_on_a_messenger_answers_our_last_word_only() -> None:
    assert _vote(*_said(_asked(), "9 it was quick")) == (8, 9, "it was quick")
    assert _vote(*_said(_asked(last=99), "9")) is None


def test_who_was_not_asked_cannot_vote() -> None:
    assert _vote(*_said(Known(), "5", pressed="vote:5")) is None
    known, came = _said(_asked(), "5", pressed="vote:5")
    unknown = came.author._replace(authenticated=False)
    assert _vote(known, replace(came, author=unknown)) is None
