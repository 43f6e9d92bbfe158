"""Notices over HTTP: previewed, started once, watched, stopped; and the page that ends promotions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from gateway import rules
from gateway.api.app import ApiState, Door, Readiness
from gateway.authenticate import Keys
from store import tokens
from tests.gateway.api.conftest import AUTHORIZED, ask
from tests.gateway.api.seed import SECRET
from tests.gateway.api.test_errors import assert_problem
from tests.gateway.notices.many import MORE, customers, drain, loop
from tests.making import CONFIG, KEYS, NOON, Desk, opened

TEXT = {"en": "Parcels are a day late."}


@dataclass
class Talk:
    """The API on a desk, with a token and without one."""

    desk: Desk
    client: httpx.AsyncClient
    stranger: httpx.AsyncClient

    async def post(self, path: str, body: Any, status: int = 201, *, key: str = "") -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        answer = await self.client.post(f"/v1/notices{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        if status >= 400:
            assert_problem(answer)
        return answer.json()


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with opened(tmp_path, CONFIG + MORE) as desk:
        await desk.store.write(lambda c, ch: tokens.create(c, ch, "desk", SECRET, NOON))
        app = Door(
            ApiState(
                store=desk.store, ready=lambda: Readiness(ready=True), metrics=CollectorRegistry(),
                name="Example Support", desk=rules.desk(desk.config, KEYS), clock=desk.clock,
                committed=desk.woken.append, announcing=rules.announcing(desk.config, KEYS),
            )
        )  # fmt: skip
        async with ask(app, headers=AUTHORIZED) as client, ask(app) as stranger:
            yield Talk(desk, client, stranger)


async def test_a_notice_is_previewed_started_watched_and_ends(talk: Talk) -> None:
    ids = await customers(talk.desk, 2)
    body = {"kind": "service", "text": TEXT, "customers": ids, "addresses": ["who@example.org"]}
    shown = await talk.post("", body | {"preview": True}, 200)
    assert (shown["recipients"], shown["channels"]) == (2, {"mail": 2})
    assert shown["unknown"]["addresses"] == ["email:who@example.org"]
    assert not (await talk.client.get("/v1/notices")).json()["items"]
    started = await talk.post("", body, key="x")
    again = await talk.post("", body, key="x")
    assert started == again
    assert (started["state"], started["counts"]["waiting"]) == ("running", 2)
    assert await drain(talk.desk, loop(talk.desk)) == 2
    found = (await talk.client.get(f"/v1/notices/{started['id']}")).json()
    assert (found["state"], found["counts"]["queued"]) == ("finished", 2)
    assert (await talk.client.get("/v1/notices")).json()["items"] == [found]


async def test_what_cannot_be_started_says_why(talk: Talk) -> None:
    text = {"kind": "service", "text": TEXT}
    assert "customers, cases" in (await talk.post("", text, 409))["detail"]
    assert "Nobody" in (await talk.post("", text | {"customers": [99]}, 409))["detail"]
    other = text | {"customers": [1], "text": {"fr": "Bonjour", "de": "Hallo"}}
    assert "'en'" in (await talk.post("", other, 409))["detail"]
    await talk.post("", text | {"customers": [1], "text": {}}, 409)
    await talk.post("/99/stop", {}, 404)


async def test_a_stop_is_said_once(talk: Talk) -> None:
    ids = await customers(talk.desk, 1)
    started = await talk.post("", {"kind": "service", "text": TEXT, "customers": ids})
    stopped = await talk.post(f"/{started['id']}/stop", None, 200)
    assert (stopped["state"], stopped["counts"]["stopped"]) == ("stopped", 1)
    await talk.post(f"/{started['id']}/stop", None, 409)


async def promoted(talk: Talk) -> tuple[int, str]:
    """A customer who agreed to hear promotions, and the link below one."""
    (id_,) = await customers(talk.desk, 1)
    path = f"/v1/customers/{id_}/consents"
    body = {"promotion": True, "source": "shop checkout"}
    answer = await talk.client.put(path, json=body)
    assert answer.json()["promotion"] is True
    await talk.post("", {"kind": "promotion", "text": TEXT, "customers": [id_]})
    assert await drain(talk.desk, loop(talk.desk)) == 1
    row = await talk.desk.one("SELECT unsubscribe FROM messages WHERE unsubscribe <> ''")
    return id_, row["unsubscribe"].removeprefix("https://help.example.com")


async def test_looking_at_the_page_ends_nothing_and_its_button_does(talk: Talk) -> None:
    id_, path = await promoted(talk)
    seen = await talk.stranger.get(path)
    assert seen.status_code == 200
    assert "Stop these messages" in seen.text
    head = await talk.stranger.head(path)
    assert head.status_code == 200
    consents = f"/v1/customers/{id_}/consents"
    assert (await talk.client.get(consents)).json()["promotion"] is True
    for _ in range(2):  # RFC 8058 section 3.1: the body that mail programs send
        left = await talk.stranger.post(path, data={"List-Unsubscribe": "One-Click"})
        assert left.status_code == 200
        assert "no more offers" in left.text
    found = (await talk.client.get(consents)).json()
    assert (found["promotion"], len(found["evidence"])) == (False, 2)
    assert found["evidence"][0]["source"] == "the link in a message"
    kept = await talk.desk.one("SELECT state FROM outbox o JOIN messages m ON m.id = o.message_id"
                               " WHERE m.unsubscribe <> ''")  # fmt: skip
    assert kept["state"] == "failed"


@pytest.mark.parametrize(
    ("wrote", "first", "asked", "shown"),
    [("ja", "en", "en", "ja"), ("en", "ja", "ja", "en"), ("", "ja", "en", "ja"),
     ("", "", "ja", "ja"), ("", "", "en", "en"), ("", "", "", "en")],
)  # fmt: skip
async def test_the_page_is_in_what_the_customer_speaks_before_what_a_browser_asks_for(
    talk: Talk, wrote: str, first: str, asked: str, shown: str
) -> None:
    _, path = await promoted(talk)
    await talk.desk.change("UPDATE messages SET language = :l WHERE direction = 'in'", l=wrote)
    await talk.desk.change("UPDATE customers SET language = :l", l=first)
    pages = [
        await talk.stranger.get(path, headers={"Accept-Language": asked}),
        await talk.stranger.post(path, headers={"Accept-Language": asked}),
    ]
    assert [f'<html lang="{shown}">' in page.text for page in pages] == [True, True]


async def test_a_link_of_nobody_s_ends_nothing(talk: Talk) -> None:
    id_, _ = await promoted(talk)
    promotion = await talk.desk.one("SELECT message_id FROM messages WHERE unsubscribe <> ''")
    identity = await talk.desk.one("SELECT id FROM identities")
    forged = Keys(b"x" * 32).token(0, identity["id"], "unsubscribe")
    for token in (forged, "x", promotion["message_id"].partition("@")[0]):
        for answer in (
            await talk.stranger.get(f"/u/{token}"),
            await talk.stranger.post(f"/u/{token}"),
        ):
            assert answer.status_code == 404
            assert "does not work" in answer.text
    found = (await talk.client.get(f"/v1/customers/{id_}/consents")).json()
    assert found["promotion"] is True
