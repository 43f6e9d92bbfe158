"""An acknowledgement that names pages, to whom it does, and the page that asks whether they helped."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from prometheus_client import CollectorRegistry

from gateway import rules
from gateway.api.app import ApiState, Door, Readiness
from gateway.watch.checking import texts
from tests.gateway.api.conftest import ask
from tests.gateway.faq.test_entries import GOOD, written
from tests.making import CONFIG, KEYS, Desk, configure, mail, opened

FAQ = """
[http]
public_url = "https://help.example.com"
[faq]
folder = "faq"
[[route]]
name = "complaints"
keyword = "lawyer"
sensitive = true
"""
JAPANESE = GOOD.replace("How do I send something back?", "返品の方法").replace(
    "refund, exchange", "返品"
)
ASKS = "How do I get a refund for my shoes?"


@dataclass
class Helped:
    """A desk with a FAQ folder, and somebody with a browser."""

    desk: Desk
    browser: httpx.AsyncClient
    counted: list[bool] = field(default_factory=list)

    async def wrote(self, body: str, **more: Any) -> str:
        """What the acknowledgement says."""
        await self.desk.accept(mail(body=body, **({"vouched": "example.jp"} | more)))
        rows = await self.desk.rows("SELECT text FROM messages WHERE direction = 'out' ORDER BY id")
        return str(rows[-1]["text"])

    async def link(self) -> str:
        found = re.search(r"https://help\.example\.com(/h/\S+)", await self.wrote(ASKS))
        assert found
        return found[1]

    async def tags(self) -> list[str]:
        return list(json.loads((await self.desk.one("SELECT tags FROM cases"))["tags"]))

    async def answers(self) -> list[dict[str, Any]]:
        query = "SELECT data FROM events WHERE type = 'faq.answered' ORDER BY cursor"
        return [json.loads(row["data"]) for row in await self.desk.rows(query)]


@pytest.fixture
async def helped(tmp_path: Path) -> AsyncIterator[Helped]:
    written(tmp_path, "faq/returns.md", GOOD)
    written(tmp_path, "faq/ja/returns.md", JAPANESE)
    async with opened(tmp_path, CONFIG + FAQ) as desk:
        counted: list[bool] = []
        app = Door(
            ApiState(
                store=desk.store, ready=lambda: Readiness(ready=True), metrics=CollectorRegistry(),
                name="Example Support", desk=rules.desk(desk.config, KEYS), clock=desk.clock,
                committed=desk.woken.append, zone=ZoneInfo("Asia/Tokyo"),
                faq=rules.faq(desk.config), helped=counted.append,
            )
        )  # fmt: skip
        async with ask(app) as browser:
            yield Helped(desk, browser, counted)


async def test_a_fitting_page_is_named_with_the_way_to_a_person_beside_it(helped: Helped) -> None:
    said = await helped.wrote(ASKS)
    assert "・How do I send something back?\n  https://shop.example/returns\n" in said
    assert "please tell us here: https://help.example.com/h/" in said
    assert "a member of our team will reply.\n" in said
    assert said.endswith("This confirmation was sent automatically.\n")
    queued = "SELECT data FROM events WHERE type = 'acknowledgement.queued'"
    assert json.loads((await helped.desk.one(queued))["data"])["suggestions"] == ["returns"]


async def test_a_japanese_question_gets_a_japanese_page(helped: Helped) -> None:
    said = await helped.wrote("靴を返品したいのですが、どうすればよいですか。", subject="靴")
    assert "・返品の方法\n  https://shop.example/returns\n" in said
    assert "次のページがお役に立つかもしれません。" in said
    assert "解決しない場合は、そのままお待ちください。担当者からお返事いたします。" in said


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ("Where is my parcel?", {}),
        (ASKS, {"vouched": ""}),
        (f"{ASKS} Or my lawyer will write.", {}),
    ],
)
async def test_no_page_where_none_fits_nor_to_strangers_nor_in_a_sensitive_case(
    helped: Helped, body: str, more: dict[str, str]
) -> None:
    said = await helped.wrote(body, **more)
    assert "shop.example" not in said
    assert "/h/" not in said
    assert "settles it" not in said


async def test_without_a_public_address_there_is_no_page_to_say_so(tmp_path: Path) -> None:
    written(tmp_path, "faq/returns.md", GOOD)
    text = CONFIG + FAQ.replace('public_url = "https://help.example.com"', "")
    async with opened(tmp_path, text) as desk:
        said = await Helped(desk, httpx.AsyncClient()).wrote(ASKS)
    assert "https://shop.example/returns" in said
    assert "tell us here" not in said


async def test_looking_counts_nothing_and_a_button_counts_once(helped: Helped) -> None:
    link = await helped.link()
    page = await helped.browser.get(f"{link}?choice=yes")
    assert page.status_code == 200
    assert '<a href="https://shop.example/returns">How do I send something back?</a>' in page.text
    assert not await helped.tags()
    for _ in range(2):
        answer = await helped.browser.post(link, data={"choice": "yes"})
        assert answer.status_code == 200
        assert "Thank you for telling us" in answer.text
    assert await helped.tags() == ["self-service"]
    (told,) = await helped.answers()
    assert (told["entries"], told["helped"]) == (["returns"], True)
    assert (await helped.desk.one("SELECT status FROM cases"))["status"] == "new"
    assert helped.counted == [True]


async def test_who_still_waits_says_so_and_can_change_their_mind(helped: Helped) -> None:
    link = await helped.link()
    answer = await helped.browser.post(link, data={"choice": "no"})
    assert "A member of our team will reply as promised." in answer.text
    assert helped.counted == []
    await helped.browser.post(link, data={"choice": "yes"})
    await helped.browser.post(link, data={"choice": "no"})
    assert await helped.tags() == []
    assert [told["helped"] for told in await helped.answers()] == [True, False]


@pytest.mark.parametrize("fields", [{}, {"choice": "maybe"}, {"choice": "yes", "more": "x"}])
async def test_what_no_person_presses_counts_nothing(
    helped: Helped, fields: dict[str, str]
) -> None:
    assert (await helped.browser.post(await helped.link(), data=fields)).status_code == 400
    assert not await helped.tags()


async def test_a_link_that_nobody_was_given_leads_nowhere(helped: Helped) -> None:
    """A survey's token does not open this page, nor a Message-ID's."""
    link = await helped.link()
    token = link.removeprefix("/h/")
    found = await helped.desk.one(
        "SELECT id, case_id, message_id FROM messages WHERE kind = 'acknowledgement'"
    )
    vote = KEYS.token(found["case_id"], found["id"], "\nvote")
    for one in (token[:-1] + "z", found["message_id"].partition("@")[0], vote):
        answer = await helped.browser.post(f"/h/{one}", data={"choice": "yes"})
        assert answer.status_code == 404
    assert not await helped.tags()
    codes = [(await helped.browser.get(link)).status_code for _ in range(35)]
    assert codes[-1] == 429


def test_check_names_a_broken_file_with_its_line(tmp_path: Path) -> None:
    written(tmp_path, "faq/returns.md", GOOD.replace("https://shop.example/returns", ""))
    found = [str(one) for one in texts(configure(tmp_path, CONFIG + FAQ))]
    (said,) = [one for one in found if "faq" in one]
    assert said.startswith(f"error: {tmp_path}/faq/returns.md line 3: url is missing")


def test_check_tells_of_a_folder_without_entries(tmp_path: Path) -> None:
    (tmp_path / "faq").mkdir()
    found = [str(one) for one in texts(configure(tmp_path, CONFIG + FAQ))]
    assert any(one.startswith("note: [faq] folder") for one in found)
