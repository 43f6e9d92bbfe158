"""Spam over HTTP: listed with its reason, and released with one call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from httpx import AsyncClient
from prometheus_client import CollectorRegistry

from gateway.api import bearer
from gateway.api.app import Door, Readiness
from tests.gateway.api.conftest import Window, ask
from tests.gateway.api.seed import state
from tests.making import CONFIG, Desk, mail, opened


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, f'{CONFIG}[spam]\nblock = ["spam.example"]\n') as one:
        yield one


@pytest.fixture
async def client(desk: Desk, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    token = await bearer.first(desk.store, tmp_path, desk.clock())
    lent = state(desk.store, lambda: Readiness(ready=True), CollectorRegistry(), "Apart")
    app = Door(replace(lent, release=desk.backlog.release))
    async with ask(app, headers={"Authorization": f"Bearer {token}"}) as one:
        yield one


async def test_spam_is_listed_and_released_with_one_call(desk: Desk, client: AsyncClient) -> None:
    id_ = (await desk.accept(mail("A <a@spam.example>", subject="Buy"))).message
    (listed,) = (await client.get("/v1/messages?status=spam")).json()["items"]
    assert (listed["id"], listed["subject"]) == (id_, "Buy")
    assert listed["author"]["address"] == "a@spam.example"
    assert listed["reason"] == "lists: the block list names the sender"
    assert (await client.get("/v1/conversations")).json()["items"] == []
    assert (await client.get("/v1/events")).json()["items"] == []

    released = await client.post(f"/v1/messages/{id_}/release")
    assert released.status_code == 200
    assert released.json()["status"] == "stored"
    assert released.json()["case_id"] is not None
    assert (await client.get("/v1/messages?status=spam")).json()["items"] == []
    assert len((await client.get("/v1/conversations")).json()["items"]) == 1


async def test_only_what_is_spam_is_released(desk: Desk, client: AsyncClient) -> None:
    good = (await desk.accept(mail())).message
    assert (await client.post(f"/v1/messages/{good}/release")).status_code == 409
    assert (await client.post(f"/v1/messages/{good + 500}/release")).status_code == 404
    assert (await client.get("/v1/messages")).status_code == 400


async def test_what_could_not_be_read_is_listed_with_its_reason(
    desk: Desk, client: AsyncClient
) -> None:
    desk.inline.unreadable = b"poison"
    await desk.accept(mail(body="poison"))
    (listed,) = (await client.get("/v1/messages?status=quarantined")).json()["items"]
    assert listed["reason"] == "a defect of the reader"


async def test_each_database_lists_what_is_apart(window: Window) -> None:
    for status in ("spam", "quarantined", "unread"):
        answer = (await window.client.get(f"/v1/messages?status={status}&limit=1")).json()
        assert {item["status"] for item in answer["items"]} <= {status}
        assert len(answer["items"]) == (0 if status == "spam" else 1)
