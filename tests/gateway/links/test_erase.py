"""G03: after an erasure no octet of a customer is left in the data folder, and nobody else's is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway.api.app import Door, Readiness
from store import tokens
from store.blobs import Blobs
from store.past import Past
from store.store import Store, prepare
from tests.gateway.api.conftest import AUTHORIZED, ask
from tests.gateway.api.seed import FOLLOW, NOON, SECRET, Site, admission, database, mail, state
from tests.gateway.api.v1.test_speaking import Talk

CANARIES = (b"kanariengesang", b"yuki.canary", "カナリアの歌".encode(), b"feather-name")
LARGE = b"kanariengesang " * 30_000
SHARED = b"a logo that everybody sends " * 20_000


class Window(Talk):
    """The API on a database of its own."""

    site: Site

    async def erase(self, customer: int, status: int = 200) -> Any:
        answer = await self.client.delete(f"/v1/customers/{customer}")
        assert answer.status_code == status, answer.text
        return answer.json()

    async def customer_of(self, case: int) -> int:
        (row,) = await self.rows(f"SELECT customer_id FROM cases WHERE id = {case}")
        found: int = row["customer_id"]
        return found

    async def merge(self, kept: int, other: int) -> Any:
        path = f"/v1/customers/{kept}/merge"
        answer = await self.client.post(path, json={"customer": other, "why": "kanariengesang"})
        assert answer.status_code == 200
        return answer.json()


@pytest.fixture(params=["sqlite", "postgresql"])
async def window(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Window]:
    with database(request.param, tmp_path) as site:
        prepare(site.url)
        store = Store(site.url, site.data_dir, admission(FOLLOW))
        await store.write(lambda c, ch: tokens.create(c, ch, "tests", SECRET, NOON))
        app = Door(state(store, lambda: Readiness(ready=True), CollectorRegistry(), "Erasing"))
        async with ask(app, headers=AUTHORIZED) as client:
            found = Window(client, store)
            found.site = site
            yield found
        await store.close()


def letter(sender: str, *files: bytes) -> EmailMessage:
    found = mail("kanariengesang", f"feather-name <{sender}>")
    found.set_content("カナリアの歌 kanariengesang\n")
    for one in files:
        found.add_attachment(one, "application", "zip", filename="kanariengesang.zip")
    return found


async def fill(window: Window) -> tuple[int, int, int]:
    """A customer of two addresses with all that there may be, and somebody else: customers, case."""
    first = await window.mail("yuki.canary@x.example", letter("yuki.canary@x.example", LARGE, SHARED, b"small kanariengesang"))  # fmt: skip
    second = await window.mail("yuki.canary2@x.example", letter("yuki.canary2@x.example"))
    other = await window.mail("ken@x.example", with_file("ken@x.example"))
    case = first["id"]
    await window.post(
        f"/{case}/reply", {"text": "kanariengesang", "subject": "カナリアの歌"}, key="k1"
    )
    await window.post(f"/{case}/note", {"text": "kanariengesang"})
    await window.patch(case, {"owner": "kanariengesang", "tags": ["kanariengesang"]})
    owed = {"next_update_by": "2 days", "waiting_for": "kanariengesang"}
    await window.patch(case, owed)
    guest = {"address": "yuki.canary@x.example", "name": "feather-name"}
    await window.post(f"/{other['id']}/participants", guest, key="k2")
    told = {"text": "kanariengesang", "to": ["yuki.canary@x.example"]}
    await window.post(f"/{other['id']}/reply", told)
    past = Past(window.store, "mail")
    for address in ("yuki.canary@x.example", "ken@x.example"):
        await past.note(f"talk:{address}", "kanariengesang" if "canary" in address else "kept")
    mine, theirs = await window.customer_of(case), await window.customer_of(second["id"])
    await window.merge(mine, theirs)
    await Past(window.store, "mail").note("heard:yuki.canary@x.example", "1")
    return mine, await window.customer_of(other["id"]), other["id"]


def with_file(sender: str) -> EmailMessage:
    found = mail("My own matter", f"Ken <{sender}>")
    found.add_attachment(SHARED, "application", "zip", filename="logo.zip")
    return found


def left(folder: Path) -> list[tuple[str, bytes]]:
    """Which canaries are in which file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(path.name, one) for path in files for one in CANARIES if one in path.read_bytes()]


async def test_nothing_of_an_erased_customer_is_left(window: Window) -> None:
    mine, other, case = await fill(window)
    is_file = window.site.url.startswith("sqlite")
    if is_file:
        assert {one for _, one in left(window.site.data_dir)} == set(CANARIES)
    gone = await window.erase(mine)
    assert gone["clean"]
    assert gone["messages"] >= 5
    assert left(window.site.data_dir) == []
    await _is_nowhere(window)
    shown = (await window.client.get(f"/v1/cases/{case}")).json()
    assert [one["subject"] for one in shown["messages"]] == ["My own matter", "Re: My own matter"]
    assert shown["participants"] == []
    await _has_its_file(window, shown["messages"][0]["id"])
    assert other == shown["customer_id"]
    notes = await window.rows("SELECT value FROM notes WHERE name LIKE 'talk:%'")
    assert [row["value"] for row in notes] == ["kept"], "what a channel notes about others stays"
    await window.erase(mine, 404)


async def _is_nowhere(window: Window) -> None:
    """No row of any table holds a canary."""
    for table in (
        "customers", "identities", "conversations", "cases", "participants", "messages", "parts",
        "ledger", "outbox", "follow_ups", "events", "requests", "links", "notes",
    ):  # fmt: skip
        for row in await window.rows(f"SELECT * FROM {table}"):
            text = str(row)
            assert not [one for one in CANARIES if one.decode() in text], table


async def _has_its_file(window: Window, message: int) -> None:
    whole = (await window.client.get(f"/v1/messages/{message}")).json()
    (part,) = [one for one in whole["parts"] if one["filename"] == "logo.zip"]
    answer = await window.client.get(f"/v1/messages/{message}/parts/{part['id']}")
    assert answer.content == SHARED


async def test_a_tombstone_tells_that_it_happened_and_by_whom(window: Window) -> None:
    mine, _, _ = await fill(window)
    before = await window.rows("SELECT cursor FROM events ORDER BY cursor")
    units = await window.rows("SELECT channel, unit, outcome FROM ledger ORDER BY id")
    await window.erase(mine)
    after = await window.rows("SELECT cursor, type, data FROM events ORDER BY cursor")
    assert [row["cursor"] for row in after[:-1]] == [row["cursor"] for row in before]
    assert after[-1]["type"] == "customer.erased"
    assert f'"customer_id":{mine}' in after[-1]["data"]
    assert '"token":"tests"' in after[-1]["data"]
    assert await window.rows("SELECT channel, unit, outcome FROM ledger ORDER BY id") == units


async def test_who_writes_again_is_somebody_new(window: Window) -> None:
    mine, _, _ = await fill(window)
    await window.erase(mine)
    again = await window.mail("yuki.canary@x.example")
    assert await window.customer_of(again["id"]) != mine


async def test_a_customer_that_is_part_of_another_is_not_erased_apart(window: Window) -> None:
    mine, other, _ = await fill(window)
    await window.merge(other, mine)
    assert "part of another" in (await window.erase(mine, 409))["detail"]


async def test_a_reader_who_stays_is_told_of_and_keeps_nobody_waiting(window: Window) -> None:
    if not window.site.url.startswith("sqlite"):
        return
    mine, _, _ = await fill(window)
    path = window.site.url.removeprefix("sqlite:///")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM messages").fetchone()
    assert not (await window.erase(mine))["clean"]
    reader.close()
    assert await window.store.scrub()
    assert left(window.site.data_dir) == []


@pytest.mark.parametrize("removed", [0, 1])
async def test_an_erasure_that_dies_midway_is_whole_when_it_is_asked_for_again_g04(
    window: Window, monkeypatch: pytest.MonkeyPatch, removed: int
) -> None:
    """Nothing is removed by its age here, an erasure is all that removes mail: it ends as a whole,
    leaves no file that no row has, and takes nothing of anybody else.
    """
    mine, _, case = await fill(window)
    remove, calls = Blobs.remove, list[str]()

    def dies(blobs: Blobs, sha256: str) -> None:
        if len(calls) == removed:
            raise OSError("the process ends here")
        calls.append(sha256)
        remove(blobs, sha256)

    with monkeypatch.context() as dying:
        dying.setattr(Blobs, "remove", dies)
        assert (await window.client.delete(f"/v1/customers/{mine}")).status_code >= 500
    (before,) = await window.rows(f"SELECT count(*) AS n FROM cases WHERE customer_id = {mine}")
    assert before["n"] > 0
    await window.erase(mine)
    await _is_nowhere(window)
    named = {
        row["sha256"] for row in await window.rows("SELECT sha256 FROM blobs WHERE data IS NULL")
    }
    folder = window.store.blobs.folder
    files = {path.parent.name + path.name for path in folder.rglob("*") if path.is_file()}
    assert named == files
    shown = (await window.client.get(f"/v1/cases/{case}")).json()
    await _has_its_file(window, shown["messages"][0]["id"])
