"""People answer, note, change and open over HTTP: what is queued, for whom, and that it is once."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from gateway.api.app import Door, Readiness
from store import tokens
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
from tests.gateway.api.test_errors import assert_problem


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A database that these tests write to; each mails from an address of its own."""
    with database(request.param, tmp_path_factory.mktemp("speaking")) as found:
        prepare(found.url)
        yield found


@dataclass
class Talk:
    """The API and the store behind it."""

    client: httpx.AsyncClient
    store: Store

    async def mail(self, sender: str, letter: EmailMessage | None = None) -> dict[str, Any]:
        """A mail comes in; its case."""
        letter = letter or mail("Where is my parcel?", f"Yuki <{sender}>")
        stored = await deliver(self.store, bytes(letter), sender, f"unit of {letter['Message-ID']}")
        (row,) = await self.rows(f"SELECT case_id FROM messages WHERE id = {stored.message}")
        return {"id": row["case_id"], "message_id": str(letter["Message-ID"]).strip("<>")}

    async def post(self, path: str, body: Any, status: int = 201, *, key: str = "") -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        answer = await self.client.post(f"/v1/cases{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        if status >= 400:
            assert_problem(answer)
        return answer.json()

    async def patch(self, case: int, body: Any, status: int = 200) -> Any:
        answer = await self.client.patch(f"/v1/cases/{case}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def rows(self, query: str) -> list[dict[str, Any]]:
        return await self.store.read(
            lambda c: [dict(row._mapping) for row in c.execute(text(query))]
        )

    async def told(self, case: int, *kinds: str) -> list[dict[str, Any]]:
        """The data of a case's events of some kinds."""
        found = await self.rows("SELECT type, data FROM events ORDER BY cursor")
        data = [json.loads(row["data"]) for row in found if row["type"] in kinds]
        return [one for one in data if one["case_id"] == case]


@pytest.fixture
async def talk(site: Site) -> AsyncIterator[Talk]:
    store = Store(site.url, site.data_dir, admission(FOLLOW))
    await store.write(lambda c, ch: tokens.create(c, ch, "tests", SECRET, NOON))
    app = Door(state(store, lambda: Readiness(ready=True), CollectorRegistry(), "Speaking"))
    async with ask(app, headers=AUTHORIZED) as client:
        yield Talk(client, store)
    await store.close()


async def test_a_reply_goes_where_the_customer_wrote_from_in_their_thread(talk: Talk) -> None:
    case = await talk.mail("a1@example.jp")
    said = await talk.post(f"/{case['id']}/reply", {"text": "It left today.", "by": "Aiko"})
    assert (said["status"], said["kind"], said["channel"]) == ("queued", "reply", "mail")
    assert said["to"] == [{"name": "a1@example.jp", "address": "a1@example.jp"}]
    assert said["subject"] == "Re: Where is my parcel?"
    (row,) = await talk.rows(f"SELECT * FROM messages WHERE id = {said['id']}")
    assert row["in_reply_to"] == case["message_id"]
    assert json.loads(row["references"])[-1] == case["message_id"]
    assert row["message_id"].endswith("@example.com")
    assert row["reply_to"].startswith("support+")
    assert json.loads(row["author"])["name"] == "Aiko"
    (out,) = await talk.rows(f"SELECT * FROM outbox WHERE message_id = {said['id']}")
    assert (out["state"], bool(out["automatic"])) == ("queued", False)
    (event,) = await talk.told(case["id"], "reply.queued")
    assert event == {
        "case_id": case["id"], "by": "Aiko", "token": "tests", "message_id": said["id"],
    }  # fmt: skip


async def test_a_reply_opens_a_new_case_and_sets_what_it_is_told(talk: Talk) -> None:
    case = await talk.mail("a2@example.jp")
    assert (await talk.post(f"/{case['id']}/reply", {"text": "Hi."}))["case_status"] == "open"
    said = await talk.post(f"/{case['id']}/reply", {"text": "Hi.", "status": "pending"})
    assert said["case_status"] == "pending"
    changes = await talk.told(case["id"], "case.changed")
    assert [(c["before"], c["after"]) for c in changes] == [
        ({"status": "new"}, {"status": "open"}),
        ({"status": "open"}, {"status": "pending"}),
    ]


async def test_a_reply_cancels_what_waits_for_one_and_nothing_else(talk: Talk) -> None:
    case = await talk.mail("a3@example.jp")
    assert await _waiting(talk, case["id"]) == {"late", "new"}
    await talk.post(f"/{case['id']}/reply", {"text": "Here I am.", "status": "new"})
    assert await _waiting(talk, case["id"]) == {"new"}
    (row,) = await talk.rows(f"SELECT unanswered_since FROM cases WHERE id = {case['id']}")
    assert row["unanswered_since"] is None
    await talk.post(f"/{case['id']}/reply", {"text": "Well?", "status": "pending"})
    assert await _waiting(talk, case["id"]) == {"nudge"}


async def _waiting(talk: Talk, case: int) -> set[str]:
    query = f"SELECT rule FROM follow_ups WHERE case_id = {case} AND state = 'pending'"
    return {row["rule"] for row in await talk.rows(query)}


async def test_a_follow_up_is_put_off_and_called_off(talk: Talk) -> None:
    case = await talk.mail("a5@example.jp")
    listed = (await talk.client.get(f"/v1/follow_ups?case_id={case['id']}&limit=1")).json()
    assert listed["next"] == listed["items"][0]["id"]
    path = f"/v1/follow_ups/{listed['next']}"
    later = {"due_at": "2026-12-24T12:00:00+09:00", "by": "Aiko", "reason": "he is away"}
    put_off = (await talk.client.patch(path, json=later)).json()
    assert (put_off["state"], put_off["due_at"]) == ("pending", "2026-12-24T03:00:00.000000Z")
    assert put_off["reason"] == "Aiko: he is away"
    off = (await talk.client.patch(path, json={"cancel": True})).json()
    assert (off["state"], off["reason"]) == ("cancelled", "by tests")
    for again in (later, {"cancel": True}, {}):
        assert (await talk.client.patch(path, json=again)).status_code == 409
    other = listed["items"][0]["id"] + 1
    page = (
        await talk.client.get("/v1/follow_ups", params={"after": other - 1, "status": "pending"})
    ).json()
    waits = f"/v1/follow_ups/{page['items'][0]['id']}"
    for wrong in ({}, {"cancel": True, "due_at": later["due_at"]}):
        assert (await talk.client.patch(waits, json=wrong)).status_code == 400
    gone = await talk.client.patch("/v1/follow_ups/999999", json={"cancel": True})
    assert gone.status_code == 404
    told = await talk.told(case["id"], "follow_up.deferred", "follow_up.cancelled")
    assert [one["by"] for one in told] == ["Aiko", "tests"]


async def test_resolving_stops_the_clock_and_opening_starts_it_again(talk: Talk) -> None:
    case = await talk.mail("a4@example.jp")
    resolved = await talk.patch(case["id"], {"status": "resolved"})
    assert resolved["resolved_at"] == "2026-11-24T03:00:00.000000Z"
    assert await _waiting(talk, case["id"]) == set()
    assert (await talk.patch(case["id"], {"status": "pending"}))["resolved_at"] is None
    assert await _waiting(talk, case["id"]) == {"nudge"}


async def test_a_change_tells_who_did_it_and_what_was_before(talk: Talk) -> None:
    case = await talk.mail("a5@example.jp")
    wanted = {"owner": "aiko", "tags": ["vip", "vip", "late"], "stage": "shipped", "by": "Ken"}
    changed = await talk.patch(case["id"], wanted)
    assert (changed["owner"], changed["tags"], changed["stage"], changed["status"]) == (
        "aiko", ["vip", "late"], "shipped", "new",
    )  # fmt: skip
    (told,) = await talk.told(case["id"], "case.changed")
    assert (told["by"], told["before"]["tags"], told["after"]["tags"]) == (
        "Ken", [], ["vip", "late"],
    )  # fmt: skip
    await talk.patch(case["id"], wanted)
    assert len(await talk.told(case["id"], "case.changed")) == 1


async def test_a_reply_carries_its_files_to_whoever_delivers(talk: Talk) -> None:
    case = await talk.mail("a6@example.jp")
    large = b"0123456789" * 40_000
    files = [
        {"filename": "../見積.pdf", "content_type": "application/pdf", "data": _base64(b"%PDF")},
        {"filename": "large.bin", "data": _base64(large)},
        {"filename": "logo.png", "content_id": "logo@desk", "data": _base64(b"png")},
    ]
    page = '<p>See.</p><img src="cid:logo@desk">'
    said = await talk.post(
        f"/{case['id']}/reply", {"text": "See.", "html": page, "attachments": files}
    )
    taken = await talk.store.settle_and_claim(
        [], "mail", lambda: NOON, "us", timedelta(minutes=5), 100
    )
    (mine,) = [one.content for one in taken if one.message == said["id"]]
    assert mine.html == page
    assert [part.filename for part in mine.parts] == ["../見積.pdf", "large.bin", "logo.png"]
    assert [part.size for part in mine.parts] == [4, len(large), 3]
    assert [(part.role, part.content_id) for part in mine.parts][1:] == [
        ("attachment", ""), ("inline", "logo@desk"),
    ]  # fmt: skip


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def test_a_person_may_name_other_addresses_and_copies(talk: Talk) -> None:
    case = await talk.mail("a7@example.jp")
    said = await talk.post(
        f"/{case['id']}/reply",
        {"text": "Hello both.", "to": ["email:Boss@Example.jp"], "cc": ["a7@example.jp"]},
    )
    assert [one["address"] for one in said["to"]] == ["boss@example.jp"]
    assert [one["address"] for one in said["cc"]] == ["a7@example.jp"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"to": ["support@example.com"]}, "our own"),
        ({"to": ["support+tag@example.com"]}, "our own"),
        ({"to": ["a\r\nBcc: x@example.net"]}, "not a mail address"),
        ({"to": ["nobody"]}, "not a mail address"),
        ({"channel": "pigeon"}, "mail"),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_a_remedy(
    talk: Talk, body: dict[str, Any], why: str
) -> None:
    case = await talk.mail("a8@example.jp")
    before = await talk.rows("SELECT count(*) AS n FROM outbox")
    told = await talk.post(f"/{case['id']}/reply", {"text": "x"} | body, 409)
    assert why in told["detail"]
    assert await talk.rows("SELECT count(*) AS n FROM outbox") == before


async def test_a_failing_address_is_tried_only_when_a_person_insists(talk: Talk) -> None:
    case = await talk.mail("a9@example.jp")
    await talk.store.write(
        lambda c, _: c.execute(
            text("UPDATE identities SET failing_since = 'x' WHERE address = 'email:a9@example.jp'")
        )
    )
    told = await talk.post(f"/{case['id']}/reply", {"text": "x"}, 409)
    assert "force" in told["detail"]
    await talk.post(f"/{case['id']}/reply", {"text": "x", "force": True})


async def test_the_same_key_does_it_once_and_another_body_is_refused(talk: Talk) -> None:
    """W10: Idempotency-Key with the same body gives the same result, also after a crash."""
    case = await talk.mail("b1@example.jp")
    path, key = f"/{case['id']}/reply", "once"
    first = await talk.post(path, {"text": "Once."}, key=key)
    assert await talk.post(path, {"text": "Once."}, key=key) == first
    again = await asyncio.gather(*(talk.post(path, {"text": "Once."}, key=key) for _ in range(5)))
    assert again == [first] * 5
    count = f"SELECT count(*) AS n FROM messages WHERE case_id = {case['id']} AND kind = 'reply'"
    assert (await talk.rows(count))[0]["n"] == 1
    refused = await talk.post(path, {"text": "Another."}, 409, key=key)
    assert "Idempotency-Key" in refused["detail"]
    other = await talk.mail("b2@example.jp")
    await talk.post(f"/{other['id']}/reply", {"text": "Once."}, 409, key=key)


async def test_a_key_is_remembered_by_the_next_process(talk: Talk, site: Site) -> None:
    """W10: what was committed before a crash is what is answered after it."""
    case = await talk.mail("b3@example.jp")
    path = f"/v1/cases/{case['id']}/reply"
    headers = {"Idempotency-Key": "across"}
    first = (await talk.client.post(path, json={"text": "x"}, headers=headers)).json()
    store = Store(site.url, site.data_dir, admission())
    app = Door(state(store, lambda: Readiness(ready=True), CollectorRegistry(), "Next"))
    async with ask(app, headers=AUTHORIZED) as client:
        again = await client.post(path, json={"text": "x"}, headers=headers)
    await store.close()
    assert (again.status_code, again.json()) == (201, first)


async def test_a_refusal_is_not_remembered(talk: Talk) -> None:
    case = await talk.mail("b4@example.jp")
    path, key = f"/{case['id']}/reply", "later"
    await talk.post(path, {"text": "x", "channel": "pigeon"}, 409, key=key)
    await talk.post(path, {"text": "x"}, key=key)


async def test_a_note_stays_with_us(talk: Talk) -> None:
    case = await talk.mail("b5@example.jp")
    said = await talk.post(f"/{case['id']}/note", {"text": "Careful, VIP."})
    assert (said["kind"], said["status"], said["to"]) == ("note", "stored", [])
    assert await talk.rows(f"SELECT 1 FROM outbox WHERE message_id = {said['id']}") == []
    assert (await talk.told(case["id"], "note.added"))[0]["message_id"] == said["id"]


async def test_a_case_is_opened_by_writing_to_somebody_new_or_known(talk: Talk) -> None:
    body = {"to": ["Haru@example.jp"], "name": "Haru", "subject": "Your order", "text": "Hello."}
    first = await talk.post("", body)
    assert (first["status"], first["subject"]) == ("open", "Your order")
    assert first["message"]["to"] == [{"name": "Haru", "address": "haru@example.jp"}]
    assert first["message"]["subject"] == "Your order"
    second = await talk.post("", body | {"subject": "Another"})
    assert second["conversation_id"] == first["conversation_id"]
    answer = mail("Re: Your order", "haru@example.jp")
    answer["In-Reply-To"] = f"<{first['message']['message_id']}>"
    assert (await talk.mail("haru@example.jp", answer))["id"] == first["id"]


async def test_a_call_is_logged_without_a_word_to_anybody(talk: Talk) -> None:
    body = {"caller": "+81 3 1234 5678", "name": "Mr Sato", "subject": "Call", "text": "Asked."}
    opened = await talk.post("", body)
    (row,) = await talk.rows(f"SELECT * FROM messages WHERE id = {opened['message']['id']}")
    assert (row["direction"], row["kind"], row["channel"]) == ("in", "message", "call")
    assert await talk.rows(f"SELECT 1 FROM outbox WHERE message_id = {row['id']}") == []
    again = await talk.post("", body)
    assert again["conversation_id"] == opened["conversation_id"]
    third = await talk.post("", {"text": "x", "conversation_id": opened["conversation_id"]})
    assert third["conversation_id"] == opened["conversation_id"]
    unknown = await talk.post("", {"text": "Somebody called."})
    assert unknown["conversation_id"] != opened["conversation_id"]
    refused = await talk.post(f"/{opened['id']}/reply", {"text": "x"}, 409)
    assert "name" in refused["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/1/reply", {}, 409),
        ("POST", "/1/reply", {"text": ""}, 400),
        ("POST", "/1/reply", {"text": "x", "tetx": "y"}, 400),
        ("POST", "/1/reply", {"text": "x", "status": "lost"}, 400),
        ("POST", "/1/reply", {"text": "x" * 200_001}, 400),
        ("POST", "/1/reply", {"text": "x", "attachments": [{"filename": "a", "data": "!"}]}, 400),
        ("POST", "/9007199254740991/reply", {"text": "x"}, 404),
        ("POST", "/9007199254740991/note", {"text": "x"}, 404),
        ("PATCH", "/9007199254740991", {"status": "open"}, 404),
        ("PATCH", "/1", {"status": "lost"}, 400),
        ("POST", "", {"text": "x", "conversation_id": 9007199254740991}, 409),
    ],
)
async def test_a_wrong_request_is_a_problem(
    talk: Talk, method: str, path: str, body: dict[str, Any], status: int
) -> None:
    answer = await talk.client.request(method, f"/v1/cases{path}", json=body)
    assert answer.status_code == status, answer.text
    assert_problem(answer)


async def test_a_body_that_is_no_json_or_too_large_is_a_problem(talk: Talk) -> None:
    answer = await talk.client.post("/v1/cases/1/reply", content=b"{")
    assert answer.status_code == 400
    assert_problem(answer)
    answer = await talk.client.post("/v1/cases/1/reply", content=b" " * (33 * 2**20))
    assert answer.status_code == 413
    assert_problem(answer)


async def test_words_that_no_database_takes_are_kept_readable(talk: Talk) -> None:
    case = await talk.mail("b6@example.jp")
    said = await talk.post(
        f"/{case['id']}/reply", {"text": "a\0b", "subject": "x\r\nBcc: y\0", "by": "A\0"}
    )
    (row,) = await talk.rows(f"SELECT text, subject FROM messages WHERE id = {said['id']}")
    assert "\0" not in row["text"]
    assert row["subject"] == "x Bcc: y"


async def test_a_person_sets_how_urgent_a_case_is(talk: Talk) -> None:
    case = await talk.mail("p1@example.jp")
    assert (await talk.patch(case["id"], {"priority": "high"}))["priority"] == "high"
    (event,) = await talk.told(case["id"], "case.changed")
    assert (event["before"], event["after"]) == ({"priority": ""}, {"priority": "high"})
