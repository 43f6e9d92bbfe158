"""What helpdesks read: conversations, cases, messages and events, whole and in pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from gateway.api.v1.messages import disposition, safe_type
from tests.gateway.api.conftest import Window
from tests.gateway.api.seed import LARGE


async def get(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def everything(client: httpx.AsyncClient, path: str, **query: Any) -> list[Any]:
    """All items of a list, two at a time."""
    items: list[Any] = []
    after: dict[str, int] = {}
    while True:
        page = await get(client, path, limit=2, **query, **after)
        assert len(page["items"]) <= 2
        items += page["items"]
        if page["next"] is None:
            return items
        after = {"after": page["next"]}


async def test_a_conversation_is_listed_once_with_who_and_what_last(window: Window) -> None:
    items = await everything(window.client, "/v1/conversations")
    assert [item["id"] for item in items] == sorted({item["id"] for item in items})
    yuki = items[0]
    assert [one["address"] for one in yuki["identities"]] == ["email:yuki@example.jp"]
    assert yuki["last_message"]["subject"] == "Re: 注文について"
    assert yuki["last_message"]["reply_text"] == "Where is my parcel?\n"


async def test_the_newest_come_first_when_asked_for(window: Window) -> None:
    oldest = await everything(window.client, "/v1/conversations")
    newest = await everything(window.client, "/v1/conversations", order="newest")
    assert newest == oldest[::-1]


async def test_a_conversation_is_found_by_an_address(window: Window) -> None:
    found = await get(window.client, "/v1/conversations", identity="email:bob@example.com")
    assert [i["address"] for c in found["items"] for i in c["identities"]] == [
        "email:bob@example.com"
    ]
    for unknown in ("email:nobody@example.com", "", "\0", "email:\ud800@x"):
        query = unknown.encode("utf-8", "surrogatepass")
        assert (await get(window.client, "/v1/conversations", identity=query))["items"] == []


async def test_a_conversation_holds_its_messages_in_order(window: Window) -> None:
    first = (await get(window.client, "/v1/conversations"))["items"][0]
    whole = await get(window.client, f"/v1/conversations/{first['id']}")
    assert whole["customer"]["id"] == first["customer_id"]
    assert whole["identities"] == first["identities"]
    assert [case["subject"] for case in whole["cases"]] == ["注文について"]
    assert [m["direction"] for m in whole["messages"]] == ["in", "out", "in"]
    assert whole["messages"][1]["kind"] == "acknowledgement"
    assert whole["messages"][1]["status"] == "queued"
    page = await get(window.client, f"/v1/conversations/{first['id']}", limit=2)
    rest = await get(window.client, f"/v1/conversations/{first['id']}", after=page["next"])
    assert page["messages"] + rest["messages"] == whole["messages"]
    assert rest["next"] is None


async def test_cases_are_listed_by_status_and_by_conversation(window: Window) -> None:
    cases = await everything(window.client, "/v1/cases")
    assert {case["status"] for case in cases} == {"new"}
    assert await everything(window.client, "/v1/cases", status="resolved") == []
    one = cases[0]["conversation_id"]
    mine = await everything(window.client, "/v1/cases", conversation_id=one)
    assert mine == [case for case in cases if case["conversation_id"] == one]


async def test_a_case_shows_whom_and_what_belongs_to_it(window: Window) -> None:
    listed = (await get(window.client, "/v1/cases"))["items"][0]
    case = await get(window.client, f"/v1/cases/{listed['id']}")
    assert {key: case[key] for key in listed} == listed
    assert [p["evidence"] for p in case["participants"]] == ["a person said so"]
    assert [f["rule"] for f in case["follow_ups"]] == ["nudge"]
    assert all(m["case_id"] == case["id"] for m in case["messages"])
    assert len(case["messages"]) == 3


async def test_a_message_tells_everything(window: Window) -> None:
    message = await get(window.client, f"/v1/messages/{window.ids.yuki}")
    assert message["subject"] == "注文について"
    assert message["author"] == {
        "name": "Yuki", "address": "yuki@example.jp", "authenticated": True,
    }  # fmt: skip
    assert message["to"] == [{"name": "", "address": "support@example.com"}]
    assert message["text"] == message["reply_text"] == "Where is my parcel?\n"
    assert message["date"] == "2026-11-24T03:00:00.000000Z"
    assert {"name": "subject", "value": "注文について"} in message["headers"]
    assert [d["about"] for d in message["decisions"]] == ["author", "case", "acknowledgement"]
    assert all(d["reason"] for d in message["decisions"])
    assert [r["outcome"] for r in message["receipts"]] == ["accepted", "duplicate"]
    assert message["receipts"][0]["transport"]["peer"] == "192.0.2.7"
    assert message["has_raw"]


async def test_html_is_shown_without_what_could_harm_or_tell(window: Window) -> None:
    message = await get(window.client, f"/v1/messages/{window.ids.yuki}")
    html = message["html"]
    assert "<b>there</b>" in html
    assert 'src="cid:logo@shop"' in html
    assert message["blocked_images"] == ["https://spy.example/pixel.gif"]
    assert 'data-blocked-src="https://spy.example/pixel.gif"' in html
    for evil in (' src="http', "script", "onclick", "alert"):
        assert evil not in html


async def test_what_we_sent_shows_how_its_delivery_stands(window: Window) -> None:
    message = await get(window.client, f"/v1/messages/{window.ids.acknowledgement}")
    assert message["status"] == "queued"
    assert [d["state"] for d in message["deliveries"]] == ["queued"]
    assert message["html"] is None
    assert not message["has_raw"]
    answer = await window.client.get(f"/v1/messages/{window.ids.acknowledgement}/raw")
    assert answer.status_code == 404


async def test_what_could_not_be_read_is_shown_with_the_reason(window: Window) -> None:
    unread = await get(window.client, f"/v1/messages/{window.ids.unread}")
    assert unread["status"] == "unread"
    assert unread["conversation_id"] is None
    broken = await get(window.client, f"/v1/messages/{window.ids.quarantined}")
    assert broken["status"] == "quarantined"
    assert broken["unreadable"] == "it is no mail"


async def test_raw_is_what_was_received_as_a_download(window: Window) -> None:
    for id_ in (window.ids.yuki, window.ids.large):
        answer = await window.client.get(f"/v1/messages/{id_}/raw")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "message/rfc822"
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.content) == int(answer.headers["content-length"])
        assert answer.content.startswith(b"From: ")


async def test_head_is_get_without_content(window: Window) -> None:
    answer = await window.client.head(f"/v1/messages/{window.ids.large}/raw")
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) > len(LARGE)
    assert answer.content == b""


async def test_ranges_are_ignored(window: Window) -> None:
    """W12: many ranges of one file are a way to make a server work."""
    ranges = ",".join(f"{n}-" for n in range(1000))
    path = f"/v1/messages/{window.ids.yuki}/raw"
    answer = await window.client.get(path, headers={"Range": f"bytes={ranges}"})
    assert answer.status_code == 200
    assert "content-range" not in answer.headers


async def test_attachments_are_downloads_whatever_they_say_they_are(window: Window) -> None:
    message = await get(window.client, f"/v1/messages/{window.ids.yuki}")
    page, paper = [p for p in message["parts"] if p["role"] == "attachment"]
    answer = await window.client.get(f"/v1/messages/{window.ids.yuki}/parts/{page['id']}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.content.strip() == b"<script>1</script>"
    answer = await window.client.get(f"/v1/messages/{window.ids.yuki}/parts/{paper['id']}")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content == b"%PDF-1.7"
    assert ".." not in answer.headers["content-disposition"]


async def test_a_large_attachment_comes_whole_from_its_file(window: Window) -> None:
    message = await get(window.client, f"/v1/messages/{window.ids.large}")
    part = message["parts"][0]
    answer = await window.client.get(f"/v1/messages/{window.ids.large}/parts/{part['id']}")
    assert answer.content == LARGE
    assert answer.headers["content-type"] == "application/zip"


async def test_a_part_of_another_message_is_not_there(window: Window) -> None:
    message = await get(window.client, f"/v1/messages/{window.ids.large}")
    part = message["parts"][0]["id"]
    answer = await window.client.get(f"/v1/messages/{window.ids.yuki}/parts/{part}")
    assert answer.status_code == 404


async def test_bytes_whose_file_is_gone_are_missed_politely(window: Window) -> None:
    message = await get(window.client, f"/v1/messages/{window.ids.large}")
    part = message["parts"][0]
    path = window.store.blobs.path(part["sha256"])
    aside = path.rename(path.with_suffix(".aside"))
    try:
        address = f"/v1/messages/{window.ids.large}/parts/{part['id']}"
        assert (await window.client.get(address)).status_code == 404
    finally:
        aside.rename(path)


async def test_events_follow_their_cursor_and_skip_none(window: Window) -> None:
    events = await everything(window.client, "/v1/events")
    cursors = [event["cursor"] for event in events]
    assert cursors == sorted(set(cursors))
    assert [event["type"] for event in events[:3]] == [
        "case.opened", "message.received", "acknowledgement.queued",
    ]  # fmt: skip
    assert events[1]["data"]["message_id"] == window.ids.yuki
    again = await get(window.client, "/v1/events", after=cursors[2])
    assert again["items"] == events[3:]
    assert (await get(window.client, "/v1/events", after=cursors[-1])) == {
        "items": [], "next": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("filename", "ascii_name", "exact"),
    [
        ("見積.pdf", "__.pdf", "見積.pdf"),
        ('a"b;c\r\nX: y.txt', "a_b_c__X_ y.txt", None),
        ("../../etc/passwd", "passwd", "passwd"),
        ("C:\\temp\\x.doc", "x.doc", "x.doc"),
        ("...", "attachment", "attachment"),
        ("", "attachment", "attachment"),
        ("100%.txt", "100_.txt", "100%.txt"),
    ],
)
def test_a_file_name_is_quoted_so_that_it_stays_one(
    filename: str, ascii_name: str, exact: str | None
) -> None:
    header = disposition(filename)
    assert header.startswith(f'attachment; filename="{ascii_name}"; ')
    assert header.isascii()
    assert "\n" not in header
    if exact is not None:
        assert unquote(header.partition("filename*=UTF-8''")[2]) == exact


@pytest.mark.parametrize(
    ("claimed", "served"),
    [
        ("image/PNG; name=x", "image/png"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",) * 2,
        ("text/html", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("application/xhtml+xml", "application/octet-stream"),
        ("text/javascript", "application/octet-stream"),
        ("text/plain\r\nX: y", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_only_types_that_run_nothing_are_named(claimed: str, served: str) -> None:
    assert safe_type(claimed) == served


async def test_surveys_are_counted_by_scale_and_score(window: Window) -> None:
    answer = await window.client.get("/v1/surveys", params={"since": "2026-01-01T00:00:00Z"})
    assert answer.json() == {"items": []}


async def test_promises_are_counted_by_day(window: Window) -> None:
    found = await get(window.client, "/v1/promises", days=7)
    assert len(found["days"]) == 7
    assert [sum(day[how] for day in found["days"]) for how in ("kept", "broken")] == [
        found["kept"],
        found["broken"],
    ]
    assert set(found["updates"]) == {"kept", "broken"}
    assert all(set(day["updates"]) > {"kept", "broken", "open"} for day in found["days"])


@pytest.mark.parametrize("query", ["", "?days=92&language=ja"])
async def test_promises_are_drawn(window: Window, query: str) -> None:
    answer = await window.client.get(f"/v1/promises.svg{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.text.startswith("<svg ")


@pytest.mark.parametrize("query", ["days=0", "days=93", "language=fr", "language=<script>"])
async def test_a_picture_that_cannot_be_is_refused(window: Window, query: str) -> None:
    assert (await window.client.get(f"/v1/promises.svg?{query}")).status_code == 400
