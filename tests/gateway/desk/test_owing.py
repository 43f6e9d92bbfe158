"""What people say of a case's next update, over the API: what counts, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, text

from gateway.api.app import Door, Readiness
from gateway.desk import owing
from gateway.desk.speak import Refused
from gateway.promises.updates import promised
from scheduler.calendar import Calendar
from store import tokens
from store.promises import Made, updates
from store.store import Store, prepare
from tests.gateway.api.conftest import AUTHORIZED, ask
from tests.gateway.api.seed import (
    FOLLOW,
    NOON,
    SECRET,
    Site,
    admission,
    database,
    deliver,
    mail,
    state,
)

TOKYO = Calendar.build("Asia/Tokyo", {"mon-fri": ["09:00-18:00"]}, "JP")
BERLIN = Calendar.build("Europe/Berlin", {"mon-sun": ["00:00-24:00"]}, "")
LATER = (NOON + timedelta(days=2)).isoformat()
STORED = "2026-11-26T03:00:00.000000Z"
_numbers = count()


@pytest.mark.parametrize(
    ("written", "by"),
    [
        ("2026-11-26T17:10:00+09:00", "2026-11-26T08:10:00+00:00"),
        ("2026-11-26T08:10:00Z", "2026-11-26T08:10:00+00:00"),
        ("2 business days", "2026-11-26T03:00:00+00:00"),
        ("4 business hours", "2026-11-24T07:00:00+00:00"),
        ("next business day 10:00", "2026-11-25T01:00:00+00:00"),
        ("50 minutes", "2026-11-24T04:00:00+00:00"),  # as customers are told it
    ],
)
def test_a_time_is_an_instant_or_a_length_of_time(written: str, by: str) -> None:
    assert owing.read(written, TOKYO, NOON) == datetime.fromisoformat(by)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("2026-11-24T03:00:00Z", "past"),
        ("0001-01-01T00:00:00+23:59", "past"),
        ("9999-12-31T23:59:59-23:59", "3650 days"),
        ("2026-11-26T17:00:00", "its zone"),
        ("2026-11-26", "its zone"),
        ("Thursday", "neither"),
        ("0 days", "neither"),
        ("99999999 days", "neither"),
        (" ", "neither"),
        ("\ud800", "neither"),
    ],
)
def test_another_time_is_refused_with_what_would_help(written: str, why: str) -> None:
    refused = owing.read(written, TOKYO, NOON)
    assert isinstance(refused, Refused)
    assert why in refused.detail


@pytest.mark.parametrize("minutes", range(0, 180, 7))
def test_a_length_of_time_never_ends_early_where_an_hour_comes_twice(minutes: int) -> None:
    now = datetime(2026, 10, 24, 23, 0, tzinfo=UTC) + timedelta(minutes=minutes)
    by = owing.read("10 minutes", BERLIN, now)
    assert isinstance(by, datetime)
    assert timedelta(minutes=10) <= by - now < timedelta(minutes=100)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with database(request.param, tmp_path_factory.mktemp("owing")) as found:
        prepare(found.url)
        yield found


class Talk:
    """One case, spoken of over HTTP."""

    def __init__(self, client: httpx.AsyncClient, store: Store, case: int) -> None:
        self.client, self.store, self.case = client, store, case

    async def ask(self, method: str, body: Any, status: int, path: str = "") -> Any:
        answer = await self.client.request(method, f"/v1/cases/{self.case}{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def patch(self, code: int = 200, /, **body: Any) -> Any:
        return await self.ask("PATCH", body, code)

    async def reply(self, code: int = 201, /, **body: Any) -> Any:
        return await self.ask("POST", {"text": "We have asked them."} | body, code, "/reply")

    async def owed(self) -> tuple[str | None, str]:
        found = (await self.client.get(f"/v1/cases/{self.case}")).json()
        assert "next_update_said_at" not in found
        return found["next_update_by"], found["waiting_for"]

    async def changed(self) -> list[dict[str, Any]]:
        query = text("SELECT data FROM events WHERE type = 'case.changed' ORDER BY cursor")
        found = await self.store.read(lambda c: [json.loads(data) for (data,) in c.execute(query)])
        return [one for one in found if one["case_id"] == self.case]


@pytest.fixture
async def talk(site: Site) -> AsyncIterator[Talk]:
    store = Store(site.url, site.data_dir, admission(FOLLOW))
    await store.write(lambda c, ch: tokens.create(c, ch, "tests", SECRET, NOON))
    app = Door(state(store, lambda: Readiness(ready=True), CollectorRegistry(), "Owing"))
    sender = f"yuki{next(_numbers)}@example.jp"
    letter = mail("Where is my parcel?", sender)
    stored = await deliver(store, bytes(letter), sender, str(letter["Message-ID"]))
    query = text(f"SELECT case_id FROM messages WHERE id = {stored.message}")
    case = await store.read(lambda c: c.execute(query).scalar_one())
    async with ask(app, headers=AUTHORIZED) as client:
        yield Talk(client, store, case)
    await store.close()


async def test_a_change_sets_it_and_takes_it_away_with_before_and_after(talk: Talk) -> None:
    said = await talk.patch(next_update_by=LATER, waiting_for=" the\nmaker ", by="Aiko")
    assert (said["next_update_by"], said["waiting_for"]) == (STORED, "the maker")
    assert await talk.patch(waiting_for="a part") | {"x": 1} == said | {
        "waiting_for": "a part",
        "x": 1,
    }
    assert await talk.patch(next_update_by=None, stage="x")
    assert await talk.owed() == (STORED, "a part")
    await talk.patch(next_update_by="")
    assert await talk.owed() == (None, "")
    told = [one for one in await talk.changed() if "next_update_by" in one["after"]]
    assert [(one["before"], one["after"], one["by"]) for one in told] == [
        ({"next_update_by": None, "waiting_for": ""},
         {"next_update_by": STORED, "waiting_for": "the maker"}, "Aiko"),
        ({"next_update_by": STORED, "waiting_for": "a part"},
         {"next_update_by": None, "waiting_for": ""}, "tests"),
    ]  # fmt: skip


async def test_an_answer_promises_and_the_next_one_keeps_it(talk: Talk) -> None:
    await talk.reply(next_update_by="2 business days", waiting_for="the maker", status="on_hold")
    assert await talk.owed() == (STORED, "the maker")
    await talk.reply()
    assert await talk.owed() == (None, "")
    await talk.reply(next_update_by=LATER)
    await talk.reply(status="resolved")
    assert await talk.owed() == (None, "")


async def test_a_kept_update_is_counted(talk: Talk) -> None:
    """An attribute of the same name is none."""
    await talk.patch(attributes={"next_update_by": "x"})
    await talk.reply(next_update_by=LATER)
    earlier = {"at": "2026-11-24T02:00:00.000000Z", "case": talk.case}

    def an_hour_ago(connection: Connection, _: object) -> None:
        answers = "UPDATE messages SET received_at = :at WHERE case_id = :case AND kind = 'reply'"
        connection.execute(text(answers), earlier)
        connection.execute(text("UPDATE events SET at = :at"), earlier)

    await talk.store.write(an_hour_ago)
    (runs,) = await _promised(talk)
    assert (runs.promised_by, runs.answered_at) == (datetime.fromisoformat(STORED), None)
    await talk.reply()
    (kept,) = await _promised(talk)
    assert kept.answered_at == NOON


async def _promised(talk: Talk) -> list[Made]:
    found = promised(await talk.store.read(lambda c: updates(c, 1000)))
    return [one for one in found if one.case_id == talk.case]


@pytest.mark.parametrize("status", [None, "resolved"])
async def test_a_resolved_case_owes_nothing(talk: Talk, status: str | None) -> None:
    await talk.patch(status="open" if status else "resolved")
    for body in ({"next_update_by": LATER}, {"waiting_for": "the maker"}):
        assert "resolved" in (await talk.patch(409, status=status, **body))["detail"]
        assert "resolved" in (await talk.reply(409, status=status, **body))["detail"]
    await talk.patch(status="open", next_update_by=LATER)
    assert (await talk.owed())[0] == STORED


@pytest.mark.parametrize("by", ["2026-11-24T02:59:59Z", "soon", "2026-11-26T17:00:00"])
async def test_what_is_no_time_to_come_is_refused_and_nothing_said(talk: Talk, by: str) -> None:
    before = await talk.owed()
    assert "detail" in await talk.patch(409, next_update_by=by)
    assert "detail" in await talk.reply(409, next_update_by=by)
    assert await talk.owed() == before
    found = (await talk.client.get(f"/v1/cases/{talk.case}")).json()
    assert [one["kind"] for one in found["messages"] if one["kind"] == "reply"] == []
    await talk.patch(400, next_update_by="x" * 61)
    await talk.patch(400, waiting_for="x" * 201)


async def test_cases_are_listed_by_what_is_owed_until_then(talk: Talk) -> None:
    async def listed(by: str) -> list[int]:
        answer = await talk.client.get("/v1/cases", params={"owed_by": by, "order": "newest"})
        return [one["id"] for one in answer.json()["items"]]

    assert talk.case not in await listed("2030-01-01T00:00:00Z")
    await talk.patch(next_update_by=LATER)
    assert talk.case in await listed("2026-11-26T12:00:00+09:00")
    assert talk.case not in await listed("2026-11-26T02:59:59Z")
    assert talk.case in await listed("2026-11-26T03:00:00")
    assert talk.case in await listed("9999-12-31T23:59:59-23:59")
    answer = await talk.client.get("/v1/cases", params={"owed_by": "tomorrow"})
    assert answer.status_code == 400


async def test_changes_at_the_same_time_come_one_after_the_other(talk: Talk, site: Site) -> None:
    """On PostgreSQL from two daemons; none is lost, and the last one stands."""
    is_shared = site.url.startswith("postgresql")
    other = Store(site.url, site.data_dir, admission(FOLLOW)) if is_shared else talk.store
    app = Door(state(other, lambda: Readiness(ready=True), CollectorRegistry(), "Other"))
    async with ask(app, headers=AUTHORIZED) as client:
        both = (talk, Talk(client, other, talk.case))
        times = [(NOON + timedelta(days=day)).isoformat() for day in range(1, 9)]
        await asyncio.gather(*(both[n % 2].patch(next_update_by=by) for n, by in enumerate(times)))
    if is_shared:
        await other.close()
    told = await talk.changed()
    chain = [told[0]["before"], *(one["after"] for one in told)]
    assert [one["before"] for one in told] == chain[:-1]
    assert (await talk.owed())[0] == chain[-1]["next_update_by"]
    query = text(f"SELECT cause FROM follow_ups WHERE case_id = {talk.case} AND rule = 'owed'"
                 " AND state = 'pending'")  # fmt: skip
    (watched,) = await talk.store.read(lambda c: c.execute(query).scalars().all())
    assert watched.endswith(f"@{chain[-1]['next_update_by']}")
