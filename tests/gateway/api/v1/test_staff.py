"""Over HTTP: who of us is there, and when somebody is away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from gateway.absence.known import Absences
from gateway.absence.rota import Span
from gateway.api.app import Door, Readiness
from gateway.team.roster import Colleague, Roster
from store.rows import instant
from store.store import Store
from tests.gateway.api.conftest import AUTHORIZED, ask
from tests.gateway.api.seed import NOON, Site, admission, database, seeded, state
from tests.gateway.api.test_errors import assert_problem

PEOPLE = Roster(
    (
        Colleague("Aiko Sato", "aiko@corp.example", "aiko", deputy="Jun"),
        Colleague("Jun", "jun@corp.example", "jun", public_names=(("", "Jun from repairs"),)),
        Colleague("Mika", "mika@corp.example", "mika"),
    )
)
FIXED = (Span("Mika", NOON - timedelta(days=1), NOON + timedelta(days=1), fixed=True),)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with database(request.param, tmp_path_factory.mktemp("staff")) as found:
        seeded(found)
        yield found


@dataclass
class Talk:
    """The API, and the store behind it."""

    client: httpx.AsyncClient
    stranger: httpx.AsyncClient
    store: Store

    async def put(self, name: str, body: Any, status: int = 200) -> Any:
        answer = await self.client.put(f"/v1/staff/{name}/absence", json=body)
        assert answer.status_code == status, answer.text
        if status >= 400:
            assert_problem(answer)
        return answer.json()

    async def delete(self, name: str, status: int = 200) -> Any:
        answer = await self.client.delete(f"/v1/staff/{name}/absence")
        assert answer.status_code == status, answer.text
        return answer.json()

    async def listed(self) -> dict[str, Any]:
        found = (await self.client.get("/v1/staff")).json()
        assert found["next"] is None
        return {one["name"]: one for one in found["items"]}


@pytest.fixture
async def talk(site: Site) -> AsyncIterator[Talk]:
    store = Store(site.url, site.data_dir, admission())
    ready = Readiness(ready=True)
    given = state(store, lambda: ready, CollectorRegistry(), "Example Support")
    app = Door(replace(given, absences=Absences(PEOPLE, FIXED)))
    async with ask(app, headers=AUTHORIZED) as client, ask(app) as stranger:
        yield Talk(client, stranger, store)

    def clear(connection: Any, _: Any) -> None:
        connection.execute(text("DELETE FROM absences"))

    await store.write(clear)
    await store.close()


def at(days: float) -> str:
    return instant(NOON + timedelta(days=days))


async def test_everybody_is_listed(talk: Talk) -> None:
    found = await talk.listed()
    assert list(found) == ["Aiko Sato", "Jun", "Mika"]
    assert found["Jun"] == {
        "name": "Jun", "address": "jun@corp.example", "public_name": {"": "Jun from repairs"},
        "deputy": "", "away": False, "stands_in": None, "absences": [],
    }  # fmt: skip
    assert found["Mika"]["away"]
    assert found["Mika"]["absences"] == [
        {"from": at(-1), "until": at(1), "deputy": "", "fixed": True}
    ]


async def test_somebody_is_away_and_back(talk: Talk) -> None:
    said = await talk.put("aiko%20SATO", {"until": at(7), "by": "Boss"})
    assert (said["away"], said["stands_in"]) == (True, "Jun")
    assert said["absences"] == [{"from": at(0), "until": at(7), "deputy": "Jun", "fixed": False}]
    assert (await talk.listed())["Aiko Sato"] == said
    longer = await talk.put("aiko@corp.example", {"until": at(9), "deputy": "MIKA"})
    assert longer["absences"] == [{"from": at(0), "until": at(9), "deputy": "Mika", "fixed": False}]
    assert longer["stands_in"] is None  # Mika is away herself
    assert (await talk.delete("Aiko Sato"))["absences"] == []
    assert not (await talk.listed())["Aiko Sato"]["away"]
    events = (await talk.client.get("/v1/events?limit=200")).json()["items"]
    told = [event for event in events if event["type"].startswith("staff.")]
    assert [event["type"] for event in told[-3:]] == ["staff.away", "staff.away", "staff.back"]
    assert told[-3]["data"]["by"] == "Boss"
    assert told[-3]["conversation_id"] is None


async def test_an_absence_to_come_is_shown_and_called_off(talk: Talk) -> None:
    said = await talk.put("Jun", {"from": at(3), "until": at(4)})
    assert (said["away"], len(said["absences"])) == (False, 1)
    assert (await talk.put("Jun", {"until": at(0)}))["absences"] == []  # until now: it is over


async def test_who_is_there_is_not_made_to_come_back(talk: Talk) -> None:
    assert not (await talk.delete("Jun"))["away"]
    found = await talk.store.read(lambda c: c.execute(text("SELECT 1 FROM absences")).all())
    assert not found


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("nobody", {"until": at(1)}, 404),
        ("%00", {"until": at(1)}, 404),
        ("Aiko%20Sato", {"until": at(1), "deputy": "nobody"}, 409),
        ("Aiko%20Sato", {"until": at(1), "deputy": "aiko@corp.example"}, 409),
        ("Aiko%20Sato", {"until": at(1), "from": at(2)}, 400),
        ("Aiko%20Sato", {"until": "9999-12-31T23:59:59-14:00"}, 400),
        ("Aiko%20Sato", {"until": at(1), "from": "0001-01-01T00:00:00+14:00"}, 400),
        ("Aiko%20Sato", {"until": "2026-12-01T00:00:00"}, 400),
        ("Aiko%20Sato", {"from": at(1)}, 400),
        ("Aiko%20Sato", {"until": at(1), "untill": at(2)}, 400),
        ("Mika", {"until": at(0)}, 409),
    ],
)
async def test_what_cannot_be_is_refused(
    talk: Talk, name: str, body: dict[str, str], status: int
) -> None:
    await talk.put(name, body, status)


async def test_what_the_file_says_is_not_ended_here(talk: Talk) -> None:
    assert "configuration" in (await talk.delete("Mika", 409))["detail"]
    await talk.delete("nobody", 404)


async def test_without_a_token_nobody_learns_who_is_away(talk: Talk) -> None:
    for answer in (
        await talk.stranger.get("/v1/staff"),
        await talk.stranger.put("/v1/staff/Jun/absence", json={"until": at(1)}),
        await talk.stranger.delete("/v1/staff/Jun/absence"),
    ):
        assert answer.status_code == 401
