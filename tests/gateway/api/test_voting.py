"""The page of a survey: looking does nothing, the button votes, and a stranger learns nothing."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from prometheus_client import CollectorRegistry

from gateway import rules
from gateway.api.app import ApiState, Door, Readiness
from store.surveys import counts
from tests.gateway.api.conftest import ask
from tests.making import CONFIG, KEYS, Desk, mail, opened

RULES = """
[http]
public_url = "https://help.example.com/"
[[follow_up]]
name = "ask"
when = "resolved"
after = "1 day"
send = "TEMPLATE"
[[staff]]
name = "Aiko"
address = "aiko@example.com"
notify = ["customer wrote"]
"""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Asked:
    """A desk that has asked, the link in its mail, and somebody with a browser."""

    desk: Desk
    link: str
    browser: httpx.AsyncClient

    async def look(self, **headers: str) -> httpx.Response:
        return await self.browser.get(self.link, headers=headers)

    async def send(self, **fields: str) -> httpx.Response:
        return await self.browser.post(self.link, data=fields)

    async def votes(self) -> list[dict[str, Any]]:
        found = await self.desk.rows(
            "SELECT data FROM events WHERE type = 'survey.answered' ORDER BY cursor"
        )
        return [json.loads(row["data"]) for row in found]

    async def told(self) -> int:
        return len(await self.desk.rows("SELECT id FROM messages WHERE kind = 'notice'"))

    async def written(self) -> list[dict[str, Any]]:
        """What came in after the customer's first mail."""
        rows = await self.desk.rows(
            "SELECT kind, channel, text, subject, authentication, in_reply_to FROM messages"
            " WHERE direction = 'in' ORDER BY id"
        )
        return rows[1:]


async def _asked(desk: Desk, body: str, **more: Any) -> str:
    """Let a case be resolved a day ago; the path of the link that the customer was sent."""
    await desk.accept(mail(body=body, **more))
    case = await desk.one("SELECT id, conversation_id FROM cases")
    at = "2026-11-24T03:00:00.000000Z"
    await desk.change(
        "UPDATE cases SET status = 'resolved', unanswered_since = NULL, resolved_at = :at", at=at
    )
    await desk.change(
        "INSERT INTO follow_ups (id, case_id, conversation_id, rule, cause, state, due_at, reason)"
        " VALUES (1, :id, :conversation_id, 'ask', 'resolved@2026-11-24T03:00:00.000000Z',"
        " 'pending', '2026-11-25T03:00:00.000000Z', '')",
        **case,
    )
    desk.clock.advance(days=1)
    await desk.follow_ups().look()
    survey = await desk.one("SELECT text FROM messages WHERE kind = 'survey'")
    found = re.search(r"https://help\.example\.com(/v/\S+)", survey["text"])
    assert found, survey["text"]
    return found[1]


def _app(desk: Desk) -> Any:
    return Door(
        ApiState(
            store=desk.store, ready=lambda: Readiness(ready=True), metrics=CollectorRegistry(),
            name="Example Support", desk=rules.desk(desk.config, KEYS), clock=desk.clock,
            committed=desk.woken.append, zone=ZoneInfo("Asia/Tokyo"),
        )
    )  # fmt: skip


@pytest.fixture(params=["survey"])
async def asked(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Asked]:
    text = CONFIG + RULES.replace("TEMPLATE", request.param)
    async with opened(tmp_path, text) as desk:
        link = await _asked(desk, "It has been a week.", vouched="example.jp")
        async with ask(_app(desk)) as browser:
            yield Asked(desk, link, browser)


async def test_looking_at_the_page_never_votes(asked: Asked) -> None:
    for method in ("GET", "HEAD"):
        answer = await asked.browser.request(method, f"{asked.link}?score=5&comment=hello")
        assert answer.status_code == 200
    assert not await asked.votes()
    assert not await asked.written()


async def test_the_button_votes(asked: Asked) -> None:
    answer = await asked.send(score="4", comment="")
    assert answer.status_code == 200
    assert "Thank you for your answer" in answer.text
    assert "Until Wednesday 9 December you can change" in answer.text
    (vote,) = await asked.votes()
    assert (vote["scale"], vote["score"], vote["comment"]) == ("csat", 4, "")
    case = await asked.desk.one("SELECT status, unanswered_since FROM cases")
    assert case == {"status": "resolved", "unanswered_since": None}
    assert not await asked.told()
    assert await asked.desk.count("outbox") == 2  # the acknowledgement and the survey


async def test_a_comment_is_a_message_that_reopens_and_is_told_but_not_acknowledged(
    asked: Asked,
) -> None:
    await asked.send(score="5", comment="The box was torn.\r\n\r\nPlease look.")
    (vote,) = await asked.votes()
    assert vote["comment"] == "The box was torn.\n\nPlease look."
    (word,) = await asked.written()
    assert word["kind"] == "message"
    assert word["channel"] == "mail"
    assert word["text"] == "5\n\nThe box was torn.\n\nPlease look."
    assert word["subject"] == "Re: Where is my parcel?"
    assert "survey" in word["authentication"]
    assert (await asked.desk.one("SELECT status FROM cases"))["status"] == "open"
    assert await asked.told() == 1
    kinds = [r["kind"] for r in await asked.desk.rows("SELECT kind FROM messages ORDER BY id")]
    assert kinds.count("acknowledgement") == 1


async def test_a_bad_score_is_told_at_once_and_we_say_sorry(asked: Asked) -> None:
    answer = await asked.send(score="1")
    assert "We are sorry" in answer.text
    assert await asked.told() == 1
    assert (await asked.desk.one("SELECT status FROM cases"))["status"] == "resolved"


async def test_an_answer_can_be_changed_and_the_last_counts(asked: Asked) -> None:
    for score in ("5", "2", "5"):
        asked.desk.clock.advance(minutes=1)
        await asked.send(score=score)
    assert [vote["score"] for vote in await asked.votes()] == [5, 2, 5]
    assert (await asked.desk.one("SELECT score FROM surveys"))["score"] == 5


async def test_the_same_answer_again_is_the_same_answer(asked: Asked) -> None:
    for _ in range(3):
        asked.desk.clock.advance(minutes=1)
        assert (await asked.send(score="1", comment="late")).status_code == 200
    assert len(await asked.votes()) == 1
    assert await asked.told() == 1


async def test_a_long_comment_is_kept_whole(asked: Asked) -> None:
    comment = "あ" * 4000
    for _ in range(2):
        asked.desk.clock.advance(minutes=1)
        await asked.send(score="3", comment=comment)
    (word,) = await asked.written()
    assert word["text"] == f"3\n\n{comment}"


async def test_a_form_without_a_score_asks_again_and_keeps_the_words(asked: Asked) -> None:
    answer = await asked.send(comment="</textarea><script>alert(1)</script>")
    assert answer.status_code == 400
    assert "Please choose one of the numbers." in answer.text
    assert "<script" not in answer.text
    assert "</textarea><script>" in unescape(answer.text)
    assert not await asked.votes()


@pytest.mark.parametrize(
    "fields",
    [
        {"score": "6"}, {"score": "0"}, {"score": "-1"}, {"score": "5.0"}, {"score": "٥"},
        {"score": "5", "more": "http://spam.example"},
    ],
)  # fmt: skip
async def test_what_no_person_sends_does_not_vote(asked: Asked, fields: dict[str, str]) -> None:
    assert (await asked.send(**fields)).status_code == 400
    assert not await asked.votes()


async def test_only_a_form_votes(asked: Asked) -> None:
    for body, headers in (
        (b'{"score": 5}', {"Content-Type": "application/json"}),
        (b"score=5", {"Content-Type": "text/plain"}),
        (b"score=5&comment=" + b"x" * 70_000, FORM),
        (b"&".join(b"f%d=1" % n for n in range(500)) + b"&score=5", FORM),
        (b"score=5%00", FORM),
        (b"", {}),
    ):
        answer = await asked.browser.post(asked.link, content=body, headers=headers)
        assert answer.status_code == 400, body[:20]
    for method in ("PUT", "PATCH", "DELETE"):
        assert (await asked.browser.request(method, asked.link)).status_code == 405
    assert not await asked.votes()


async def test_octets_that_no_database_takes_are_kept_as_what_can_be_kept(asked: Asked) -> None:
    body = b"score=3&comment=a%00b%ED%A0%80%FF"
    answer = await asked.browser.post(asked.link, content=body, headers=FORM)
    assert answer.status_code == 200
    (vote,) = await asked.votes()
    assert vote["comment"].startswith("a\ufffdb")


async def test_a_closed_survey_says_so_kindly_and_takes_nothing(asked: Asked) -> None:
    asked.desk.clock.at += timedelta(days=14, seconds=1)
    for answer in (await asked.look(), await asked.send(score="5")):
        assert answer.status_code == 410
        assert "This question is closed" in answer.text
        assert "reply to our message" in answer.text
    assert not await asked.votes()


async def test_a_link_that_nobody_was_given_reveals_nothing(asked: Asked) -> None:
    """A changed token, another message's, another purpose's: the same page for all."""
    survey = await asked.desk.one(
        "SELECT id, case_id, message_id FROM messages WHERE kind='survey'"
    )
    first = await asked.desk.one("SELECT id, case_id FROM messages WHERE kind = 'acknowledgement'")
    token = asked.link.removeprefix("/v/")
    strange = [
        token[:-1] + ("0" if token[-1] != "0" else "1"),
        survey["message_id"].partition("@")[0],
        KEYS.token(first["case_id"], first["id"], "\nvote"),
        KEYS.token(99, 99, "\nvote"),
        "x",
    ]
    pages = set()
    for one in strange:
        for answer in (
            await asked.browser.get(f"/v/{one}"),
            await asked.browser.post(f"/v/{one}", data={"score": "5"}),
        ):
            assert answer.status_code == 404
            pages.add(answer.text)
    assert len(pages) == 1
    assert "We cannot find this page" in pages.pop()
    assert not await asked.votes()


async def test_a_page_of_nothing_speaks_the_reader_s_language(asked: Asked) -> None:
    answer = await asked.browser.get("/v/x", headers={"Accept-Language": "ja,en;q=0.5"})
    assert '<html lang="ja">' in answer.text
    assert "ページが見つかりません" in answer.text


async def test_one_link_is_answered_at_a_person_s_pace(asked: Asked) -> None:
    codes = [(await asked.look()).status_code for _ in range(40)]
    assert codes[:30] == [200] * 30
    refused = await asked.look()
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


async def test_the_page_is_private_and_whole_in_itself(asked: Asked) -> None:
    answer = await asked.look()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert "<script" not in answer.text
    assert not re.search(r"(?:src|href|action)\s*=", answer.text)
    assert "yuki" not in answer.text.lower()


async def test_the_page_can_be_read_and_used_without_a_mouse_or_eyes(asked: Asked) -> None:
    text = (await asked.look()).text
    assert '<html lang="en">' in text
    assert text.count('<h1 id="asks">') == 1
    assert re.search(r'<fieldset aria-labelledby="asks"><legend>[^<]+</legend>', text)
    assert len(re.findall(r'<label><input type="radio"[^>]+required><span>', text)) == 5
    assert " checked" not in text
    assert '<label class="words" for="comment">' in text
    assert 'aria-describedby="comment-hint"' in text
    assert "width=device-width" in text


@pytest.mark.parametrize("asked", ["survey_ces", "survey_nps"], indirect=True)
async def test_other_scales_have_pages_of_their_own(asked: Asked) -> None:
    text = (await asked.look()).text
    scale = (await asked.desk.one("SELECT scale FROM surveys"))["scale"]
    asks = {"ces": "How easy was it", "nps": "recommend Example Support to a friend"}
    best = {"ces": "7 – very easy", "nps": "10 – very likely"}
    assert asks[scale] in text
    assert best[scale] in text
    await asked.send(score="6")
    assert [vote["score"] for vote in await asked.votes()] == [6]
    assert await asked.told() == (scale == "nps")  # a detractor, but a fair effort


async def test_a_japanese_customer_is_asked_in_japanese(tmp_path: Path) -> None:
    async with opened(tmp_path, CONFIG + RULES.replace("TEMPLATE", "survey")) as desk:
        link = await _asked(desk, "商品がまだ届きません。", subject="商品", vouched="example.jp")
        async with ask(_app(desk)) as browser:
            page = (await browser.get(link)).text
            assert '<html lang="ja">' in page
            assert "私どもの対応はいかがでしたか" in page
            assert "5 – とても良い" in page
            thanks = (await browser.post(link, data={"score": "5"})).text
            assert "ご回答ありがとうございました" in thanks
            assert "12月9日(水)までは" in thanks


async def test_the_counts_are_told(asked: Asked) -> None:
    """`counts` is what `/v1/surveys` shows."""
    assert (await asked.browser.get("/v1/surveys")).status_code == 401
    empty = (await asked.desk.store.read(counts)).items[0]
    assert (empty.asked, empty.answered, empty.scores, empty.average) == (1, 0, {}, None)
    await asked.send(score="4")
    (found,) = (await asked.desk.store.read(counts)).items
    assert (found.scale, found.asked, found.answered) == ("csat", 1, 1)
    assert (found.scores, found.average) == ({"4": 1}, 4.0)
    later = await asked.desk.store.read(lambda c: counts(c, "2027-01-01T00:00:00.000000Z"))
    assert later.items == []
