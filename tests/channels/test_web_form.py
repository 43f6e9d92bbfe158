"""What the form of the channel `web` takes, refuses, and in which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settled
from hypothesis import strategies as st

from channels.base import Request
from tests.channels.web_peer import (
    SHOP,
    asking,
    form,
    multipart,
    said,
    uploading,
    writing,
)
from tests.channels.web_window import PNG, Clock, Store, window


async def test_a_form_without_script_is_led_to_a_page_that_only_its_writer_can_read(
    tmp_path: Path,
) -> None:
    store = Store()
    async with window(tmp_path, store, mail_domain="example.com") as channel:
        fields = {"name": "Yuki", "email": "Yuki@Example.jp", "message": "Hello", "order": "A-17"}
        answer = await channel.answer(form(fields, referer=f"{SHOP}/contact"))
        assert answer.status == 303
        place = dict(answer.headers)["Location"]
        page = await channel.answer(asking(place, accept_language="ja"))
        (message,) = store.messages()
        assert [str(c.identity) for c in message.claims][1] == "email:yuki@example.jp"
        assert (message.claims[0].source, message.claims[1].source) == ("platform", "typed")
        assert dict(message.fields) == {
            "name": "Yuki", "email": "Yuki@Example.jp", "page": f"{SHOP}/contact", "order": "A-17",
        }  # fmt: skip
        html = page.body.decode()
        for word in ("K4TZ-9QHM", "受信設定", "example.com", "Hello"):
            assert word in html
        known = place.partition("k=")[0]
        assert (await channel.answer(asking(f"{known}k=" + "0" * 32))).status == 404
        assert (await channel.answer(asking("thanks"))).status == 404


async def test_a_form_may_lead_to_a_page_of_the_sites_own(tmp_path: Path) -> None:
    async with window(tmp_path, Store(), thanks=f"{SHOP}/thanks?from=form#top") as channel:
        answer = await channel.answer(form({"message": "Hello"}))
        place = f"{SHOP}/thanks?from=form&reference=K4TZ-9QHM#top"
        assert dict(answer.headers)["Location"] == place
        fetched = await channel.answer(form({"message": "Hello"}, accept="*/*"))
    assert (fetched.status, said(fetched)["reference"]) == (201, "K4TZ-9QHM")


async def test_an_impatient_finger_sends_one_form(tmp_path: Path) -> None:
    store, clock = Store(), Clock()
    async with window(tmp_path, store, clock) as channel:
        for _ in range(2):
            assert (await channel.answer(form({"message": "Hello"}))).status == 303
        assert len(store.taken) == 1
        await channel.answer(form({"message": "Hello"}, peer="192.0.2.2"))
        clock.now += 601
        await channel.answer(form({"message": "Hello"}))
    assert len(store.taken) == 3


async def test_a_page_shows_words_as_words(tmp_path: Path) -> None:
    async with window(tmp_path, Store()) as channel:
        answer = await channel.answer(form({"message": "<script>alert(1)</script>"}))
        page = await channel.answer(asking(dict(answer.headers)["Location"]))
    assert b"<script>alert" not in page.body
    assert b"&lt;script&gt;alert" in page.body
    assert "unsafe-inline" not in dict(page.headers)["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("request_", "status", "why"),
    [
        (form({"message": "x", "leave_empty": "http://spam"}), 422, "robot"),
        (form({"message": "  "}), 400, "empty"),
        (writing("m"), 201, ""),
        (writing("m", ""), 400, "empty"),
        (writing("m")._replace(body=b'{"id": "short", "text": "x"}'), 400, "form"),
        (writing("m")._replace(body=b'{"id": ["long-enough"], "text": "x"}'), 400, "form"),
        (writing("m")._replace(body=b"[" * 100_000), 400, "form"),
        (writing("m")._replace(body=json.dumps({"f" * 101: "x"}).encode()), 400, "form"),
        (writing("m", headers={"content-type": "text/plain"}), 415, "format"),
        (writing("m")._replace(body=b"x" * (2**20 + 1)), 413, "size"),
        (asking("nowhere"), 404, "nothing"),
        (asking("form"), 405, "method"),
    ],
)
async def test_what_is_wrong_is_said(
    tmp_path: Path, request_: Request, status: int, why: str
) -> None:
    store = Store()
    async with window(tmp_path, store) as channel:
        known = {**request_.headers, "accept": "*/*", "accept-language": "ja,en;q=0.5"}
        answer = await channel.answer(request_._replace(headers=known))
        assert answer.status == status
        if why:
            assert said(answer)["why"] == why
            assert said(answer)["detail"].endswith("。")
            assert store.taken == []


async def test_a_form_without_script_reads_what_is_wrong_as_a_page(tmp_path: Path) -> None:
    async with window(tmp_path, Store()) as channel:
        answer = await channel.answer(form({"message": ""}, accept_language="ja"))
    assert (answer.status, dict(answer.headers)["Content-Type"]) == (
        400,
        "text/html; charset=utf-8",
    )
    assert "入力されていません" in answer.body.decode()


async def test_photos_come_along_and_are_what_their_octets_say(tmp_path: Path) -> None:
    store = Store()
    body = multipart(
        ("id", None, b"m-000001"), ("text", None, "写真".encode()), ("file", "箱.exe", PNG)
    )
    async with window(tmp_path, store) as channel:
        assert (await channel.answer(uploading(body))).status == 201
        page = multipart(("id", None, b"m-000002"), ("file", "a.png", b"<html><script>"))
        assert said(await channel.answer(uploading(page)))["why"] == "kind"
        many = multipart(("id", None, b"m-000003"), *[("file", "a.png", PNG)] * 6)
        assert (await channel.answer(uploading(many))).status == 413
        none = multipart(("message", None, b"hello"), ("photos", "", b""))  # nothing was chosen
        assert (await channel.answer(uploading(none, "/form", accept="*/*"))).status == 201
    first, second = store.messages()
    assert [(p.filename, p.content_type, p.data) for p in first.parts] == [
        ("箱.exe", "image/png", PNG)
    ]
    assert (first.text, second.parts) == ("写真", ())


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
_NAMES = st.sampled_from(
    ["id", "text", "message", "page", "pressed", "answers", "email", "_id", "_opened", "subject"]
)


@settled(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(fields=st.dictionaries(_NAMES | st.text(st.characters(), max_size=8), _ANYTHING, max_size=6))
async def test_whatever_is_posted_is_answered_and_what_is_taken_can_be_read(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    store = Store()
    posted = {"id": "id-of-a-message"} | fields
    async with window(tmp_path, store, per_peer=0, per_visitor=0) as channel:
        body = json.dumps(posted).encode()
        chat = writing("m-1")._replace(body=body)
        other = chat._replace(path="/form", headers={**chat.headers, "accept": "*/*"})
        for request in (chat, other):
            assert (await channel.answer(request)).status in {200, 201, 400, 413, 422}
    for message in store.messages():
        assert not message.unreadable
        assert message.text == message.text.encode().decode()
