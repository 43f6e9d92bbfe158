"""People join customers, take them apart and undo it, over HTTP."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text as sql

from tests.gateway.api.test_errors import assert_problem
from tests.gateway.api.v1.test_speaking import Talk, site, talk

__all__ = ["site", "talk"]  # fixtures


async def post(talk: Talk, path: str, body: Any, status: int = 200, key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    answer = await talk.client.post(f"/v1{path}", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert_problem(answer)
    return answer.json()


async def get(talk: Talk, path: str, status: int = 200) -> Any:
    answer = await talk.client.get(f"/v1{path}")
    assert answer.status_code == status, answer.text
    return answer.json()


async def customer(talk: Talk, address: str) -> int:
    """The customer of an address that writes now."""
    case = (await talk.mail(address))["id"]
    found: int = (await get(talk, f"/cases/{case}"))["customer_id"]
    return found


async def test_two_customers_are_joined_and_shown_as_one_with_who_did_it(talk: Talk) -> None:
    a, b = await customer(talk, "j1@example.jp"), await customer(talk, "j2@example.jp")
    wanted = {"customer": b, "why": "She told us on the phone.", "by": "Aiko"}
    link = await post(talk, f"/customers/{a}/merge", wanted, key="join once")
    assert (link["kind"], link["evidence"], link["by"]) == ("merge", "person", "Aiko")
    assert await post(talk, f"/customers/{a}/merge", wanted, key="join once") == link
    shown = await get(talk, f"/customers/{a}/identities")
    first, second = shown["identities"]
    assert (first["address"], first["evidence"]) == ("email:j1@example.jp", "first")
    assert (second["address"], second["evidence"]) == ("email:j2@example.jp", "person")
    assert (second["why"], second["link_id"]) == (wanted["why"], link["id"])
    assert shown["links"] == [link]
    gone = await get(talk, f"/customers/{b}")
    assert (gone["identities"], gone["merged_into"]) == ([], a)
    assert (await get(talk, f"/customers/{a}"))["merged_into"] is None
    listed = (await get(talk, "/conversations?identity=email:j2@example.jp"))["items"]
    assert [one["customer_id"] for one in listed] == [a]
    everybody = (await get(talk, "/conversations?limit=200"))["items"]
    assert b not in [one["customer_id"] for one in everybody]


async def test_a_link_is_undone_once(talk: Talk) -> None:
    a, b = await customer(talk, "u1@example.jp"), await customer(talk, "u2@example.jp")
    link = await post(talk, f"/customers/{a}/merge", {"customer": b})
    undone = await post(talk, f"/links/{link['id']}/undo", {"by": "Ken"})
    assert (undone["undone_by"], undone["undone_at"] is None) == ("Ken", False)
    assert [one["address"] for one in (await get(talk, f"/customers/{b}"))["identities"]] == [
        "email:u2@example.jp"
    ]
    again = await post(talk, f"/links/{link['id']}/undo", {}, 409)
    assert "undone already" in again["detail"]


async def test_identities_are_taken_out_by_address_or_id(talk: Talk) -> None:
    a, b = await customer(talk, "s1@example.jp"), await customer(talk, "s2@example.jp")
    await post(talk, f"/customers/{a}/merge", {"customer": b})
    split = await post(talk, f"/customers/{a}/split", {"identities": ["email:s2@example.jp"]})
    assert (split["kind"], split["other_id"], split["customer_id"]) == ("split", a, b)
    await post(talk, f"/links/{split['id']}/undo", {})
    again = {"identities": split["identities"], "why": "two sisters"}
    assert (await post(talk, f"/customers/{a}/split", again))["identities"] == split["identities"]


async def test_what_cannot_be_joined_or_parted_is_said(talk: Talk) -> None:
    a, b = await customer(talk, "n1@example.jp"), await customer(talk, "n2@example.jp")
    refused = {
        f"/customers/{a}/merge": ({"customer": a}, 409),
        f"/customers/{b}/merge": ({"customer": 999_999}, 409),
        "/customers/999999/merge": ({"customer": a}, 404),
        f"/customers/{a}/split": ({"identities": ["email:n2@example.jp"]}, 409),
        f"/customers/{b}/split": ({"identities": ["email:n2@example.jp"]}, 409),
        "/customers/999999/split": ({"identities": [1]}, 404),
        "/links/999999/undo": ({}, 404),
    }
    for path, (body, status) in refused.items():
        assert (await post(talk, path, body, status))["detail"], path
    await post(talk, f"/customers/{a}/merge", {"customer": b, "surely": True}, 400)
    await get(talk, "/customers/999999", 404)
    await get(talk, "/customers/999999/identities", 404)


async def test_weak_evidence_is_shown_and_joins_nobody(talk: Talk) -> None:
    a = await customer(talk, "w1@example.jp")
    b = await customer(talk, "w2@example.jp")
    change = "UPDATE identities SET name = 'Yamada Hanako' WHERE customer_id IN (:a, :b)"
    typed = "UPDATE messages SET text = 'I am also w3@example.jp.' WHERE customer_id = :a"
    c = await customer(talk, "w3@example.jp")
    await talk.store.write(lambda k, _: k.execute(sql(change), {"a": a, "b": b}))
    await talk.store.write(lambda k, _: k.execute(sql(typed), {"a": a}))
    found = (await get(talk, f"/customers/{a}/identities"))["suggestions"]
    assert {(one["customer_id"], one["reason"]) for one in found} == {
        (b, "the same display name"), (c, "an address or number in a text"),
    }  # fmt: skip
    assert len((await get(talk, f"/customers/{a}"))["identities"]) == 1
    link = await post(talk, f"/customers/{a}/merge", {"customer": b})
    await post(talk, f"/links/{link['id']}/undo", {})
    left = (await get(talk, f"/customers/{a}/identities"))["suggestions"]
    assert [one["customer_id"] for one in left] == [c]


async def test_a_participant_who_turns_out_to_be_the_customer_is_none_any_more(talk: Talk) -> None:
    case = (await talk.mail("p1@example.jp"))["id"]
    a, b = (await get(talk, f"/cases/{case}"))["customer_id"], await customer(talk, "p2@example.jp")
    await talk.post(f"/{case}/participants", {"address": "p2@example.jp"})
    link = await post(talk, f"/customers/{a}/merge", {"customer": b})
    assert (await get(talk, f"/cases/{case}"))["participants"] == []
    await post(talk, f"/links/{link['id']}/undo", {})
    (shown,) = (await get(talk, f"/cases/{case}"))["participants"]
    assert shown["address"] == "email:p2@example.jp"


async def patch(talk: Talk, path: str, body: Any, status: int = 200, key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    answer = await talk.client.patch(f"/v1{path}", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_customer_s_name_is_written_down_once_with_who_did_it(talk: Talk) -> None:
    a = await customer(talk, "named@example.jp")
    assert (await get(talk, f"/customers/{a}"))["name"] == ""
    wanted = {"name": " 田中\r\n", "by": "Aiko"}
    shown = await patch(talk, f"/customers/{a}", wanted, key="name once")
    assert (shown["id"], shown["name"]) == (a, "田中")
    assert await patch(talk, f"/customers/{a}", wanted, key="name once") == shown
    assert await patch(talk, f"/customers/{a}", {"name": "田中"}) == shown
    (event,) = [
        one
        for one in (await get(talk, "/events?limit=200"))["items"]
        if one["type"] == "customer.changed"
    ]
    assert (event["data"]["before"], event["data"]["after"]) == ({"name": ""}, {"name": "田中"})
    assert event["data"]["by"] == "Aiko"


async def test_nobody_who_is_not_there_gets_a_name(talk: Talk) -> None:
    await patch(talk, "/customers/999999", {"name": "田中"}, status=404)
    a = await customer(talk, "long@example.jp")
    await patch(talk, f"/customers/{a}", {"name": "x" * 101}, status=400)
    await patch(talk, f"/customers/{a}", {"title": "Dr"}, status=400)
