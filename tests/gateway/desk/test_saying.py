"""A saved reply over the API: previewed, completed by a person, and never sent without."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from prometheus_client import CollectorRegistry

from gateway import rules
from gateway.api.app import ApiState, Door, Readiness
from store import tokens
from tests.gateway.api.conftest import AUTHORIZED, ask
from tests.gateway.api.seed import SECRET
from tests.making import CONFIG, KEYS, NOON, Desk, mail, opened

LINE = "Your blue lamp left Osaka this morning."


@dataclass
class Person:
    """Somebody at the desk with a case to answer."""

    desk: Desk
    client: httpx.AsyncClient

    async def wrote(self, sender: str = "Yuki Tanaka <yuki@example.jp>", **more: Any) -> int:
        await self.desk.accept(mail(sender, **({"vouched": "example.jp"} | more)))
        return int((await self.desk.one("SELECT max(id) AS id FROM cases"))["id"])

    async def reply(self, case: int, **body: Any) -> httpx.Response:
        return await self.client.post(f"/v1/cases/{case}/reply", json={"by": "Aiko"} | body)

    async def preview(self, name: str, case: int, **more: str) -> httpx.Response:
        asks = {"case_id": str(case)} | more
        return await self.client.get(f"/v1/replies/{name}/preview", params=asks)

    async def sent(self) -> list[str]:
        rows = await self.desk.rows("SELECT text FROM messages WHERE kind = 'reply' ORDER BY id")
        return [row["text"] for row in rows]


@pytest.fixture
async def person(tmp_path: Path) -> AsyncIterator[Person]:
    async with opened(tmp_path, CONFIG) as desk:
        spoken = replace(
            rules.desk(desk.config, KEYS), replies=rules.replies(desk.config), name="Blue Sky"
        )
        app = Door(
            ApiState(
                store=desk.store, ready=lambda: Readiness(ready=True), metrics=CollectorRegistry(),
                name="Blue Sky", desk=spoken, clock=desk.clock, committed=desk.woken.append,
            )
        )  # fmt: skip
        await desk.store.write(lambda c, ch: tokens.create(c, ch, "tests", SECRET, NOON))
        async with ask(app, headers=AUTHORIZED) as client:
            yield Person(desk, client)


async def test_they_are_listed_with_their_placeholders(person: Person) -> None:
    items = (await person.client.get("/v1/replies")).json()["items"]
    assert {item["name"] for item in items} == {"delay", "details", "done", "looking", "sorry"}
    assert all("{{ personal }}" in item["text"] and item["title"] for item in items)


async def test_one_is_sent_with_what_is_known_and_a_line_of_a_person(person: Person) -> None:
    case = await person.wrote()
    seen = await person.preview("looking", case, personal=LINE)
    answer = await person.reply(case, saved="looking", personal=LINE)
    assert answer.status_code == 201
    (said,) = await person.sent()
    # At noon on a Tuesday: four business hours later.
    assert said.startswith(f"Hello Yuki Tanaka,\n\n{LINE}\n\n")
    assert "write to you again by 5 pm today" in said
    assert said.partition("\n\nAiko\nBlue Sky (reference ")[1]
    assert seen.json()["text"].replace("tests", "Aiko") == said
    event = await person.desk.one("SELECT data FROM events WHERE type = 'reply.queued'")
    assert json.loads(event["data"])["saved"] == "looking"


async def test_it_is_in_the_language_of_the_customer_or_in_the_one_that_is_asked_for(
    person: Person,
) -> None:
    case = await person.wrote("田中 ゆき <yuki@example.jp>", subject="商品", body="届きません。")
    said = (await person.preview("delay", case)).json()
    assert said["language"] == "ja"
    assert said["text"].startswith("田中 ゆき様\n\nお知らせしていたよりも")
    assert "[…]" in said["text"]
    assert "本日17時までに、私から" in said["text"]
    english = (await person.preview("delay", case, language="en")).json()
    assert english["language"] == "en"


async def test_a_stranger_s_name_is_left_out_unless_a_person_writes_it(person: Person) -> None:
    case = await person.wrote(vouched="")
    assert (await person.preview("done", case)).json()["text"].startswith("[…]")
    await person.reply(case, saved="done", personal=LINE, customer_name="Ms Tanaka")
    assert (await person.sent())[0].startswith("Hello Ms Tanaka,\n")


async def test_a_promise_of_a_person_s_own_is_said_in_our_zone(person: Person) -> None:
    case = await person.wrote()
    await person.reply(case, saved="delay", personal=LINE, promised="2026-11-26T06:00:00Z")
    assert "by 3 pm on Thursday 26 November" in (await person.sent())[0]


async def owed(person: Person) -> str | None:
    found = await person.desk.one("SELECT next_update_by FROM cases ORDER BY id DESC LIMIT 1")
    return cast("str | None", found["next_update_by"])


async def test_the_time_that_a_saved_reply_names_is_a_promise_from_then_on(person: Person) -> None:
    """… as the customer reads it, whether somebody named the time or the calendar did."""
    case = await person.wrote()
    await person.reply(case, saved="delay", personal=LINE)
    assert await owed(person) == "2026-11-24T08:00:00.000000Z"  # 5 pm
    await person.reply(case, saved="delay", personal=LINE, promised="2026-11-26T05:40:00Z")
    assert await owed(person) == "2026-11-26T06:00:00.000000Z"
    await person.reply(case, saved="delay", personal=LINE, next_update_by="2 business days")
    assert "by 1 pm on Thursday 26 November" in (await person.sent())[-1]
    assert await owed(person) == "2026-11-26T04:00:00.000000Z"
    await person.reply(case, saved="done", personal=LINE)
    assert await owed(person) is None
    await person.reply(case, saved="delay", personal=LINE, status="resolved")
    assert await owed(person) is None


async def test_one_time_is_named_and_one_to_come(person: Person) -> None:
    case = await person.wrote()
    for more, why in (
        ({"promised": "2026-11-26T06:00:00Z", "next_update_by": "1 day"}, "one time"),
        ({"promised": "2026-11-24T02:00:00Z"}, "past"),
        ({"promised": "2999-12-31T23:59:00Z"}, "3650 days"),
    ):
        refused = await person.reply(case, saved="delay", personal=LINE, **more)
        assert (refused.status_code, why in refused.json()["detail"]) == (409, True)
    assert not await person.sent()


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"saved": "looking"}, 409, "at least 10 characters"),
        ({"saved": "looking", "personal": "Thanks"}, 409, "at least 10 characters"),
        ({"saved": "nothing", "personal": LINE}, 404, "GET /v1/replies"),
        ({"saved": "looking", "text": "Hello", "personal": LINE}, 409, "either"),
        ({}, 409, "either"),
        ({"text": "  "}, 409, "either"),
        ({"text": ""}, 400, "text"),
    ],
)
async def test_none_goes_out_unfinished(
    person: Person, body: dict[str, str], status: int, said: str
) -> None:
    case = await person.wrote()
    answer = await person.reply(case, **body)
    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert not await person.sent()


async def test_what_a_person_writes_is_text_and_no_template(person: Person) -> None:
    case = await person.wrote()
    await person.reply(case, saved="done", personal="{{ reference }} {% if x %} 100% <b>")
    assert "{{ reference }} {% if x %} 100% <b>" in (await person.sent())[0]


async def test_a_preview_needs_a_case_and_a_name_that_are_there(person: Person) -> None:
    case = await person.wrote()
    assert (await person.preview("done", 4711)).status_code == 404
    assert (await person.preview("nothing", case)).status_code == 404
    assert (await person.client.get("/v1/replies/done/preview")).status_code == 400


async def test_people_correct_what_a_customer_told(person: Person) -> None:
    case = await person.wrote()
    for wanted, kept in (
        ({"order_number": "A-1", "product": "Lamp"}, {"order_number": "A-1", "product": "Lamp"}),
        ({"product": ""}, {"order_number": "A-1"}),
    ):
        answer = await person.client.patch(f"/v1/cases/{case}", json={"attributes": wanted})
        assert answer.json()["attributes"] == kept
    shown = (await person.client.get(f"/v1/cases/{case}")).json()
    assert shown["attributes"] == {"order_number": "A-1"}
    assert "asking" not in shown
    wrong = await person.client.patch(f"/v1/cases/{case}", json={"attributes": {"a": 1}})
    assert wrong.status_code == 400
