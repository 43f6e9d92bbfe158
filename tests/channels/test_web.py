"""The channel `web`: whose pages are welcome, who sees what, who waits and who is woken."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from channels.base import Receipt, Rejected, Retry, Unavailable
from channels.testing import call
from normalizer.message import Address, Button, Message
from normalizer.said import Enclosed, Said
from tests.channels.web_peer import (
    HANA,
    SHOP,
    YUKI,
    asking,
    form,
    said,
    settings,
    writing,
)
from tests.channels.web_window import Store, visitor, window
from tests.making import NOON


async def test_a_message_is_answered_once_it_is_stored_with_what_was_said(tmp_path: Path) -> None:
    store = Store()
    async with window(tmp_path, store) as channel:
        answer = await channel.answer(writing("m-1", page=f"{SHOP}/cart", language="ja"))
        again = await channel.answer(writing("m-1", page=f"{SHOP}/cart", language="ja"))
    assert (answer.status, again.status) == (201, 200)
    shown = said(answer)
    assert shown["reference"] == "K4TZ-9QHM"
    assert [(one["id"], one["ours"], one["text"]) for one in shown["messages"]] == [
        ("-----m-1", False, "Where is my parcel?")
    ]
    (message,) = store.messages()
    assert message.claims[0].source == "platform"
    assert dict(message.fields) == {"page": f"{SHOP}/cart"}


async def test_what_a_busy_desk_reads_a_moment_later_is_in_the_answer(tmp_path: Path) -> None:
    """Whoever heard of their message nothing would see it vanish, and a form have no reference."""
    store = Store()
    async with window(tmp_path, store) as channel:
        store.unread = 2
        shown = said(await channel.answer(writing("m-1")))
        assert [one["text"] for one in shown["messages"]] == ["Where is my parcel?"]
        store.unread = 2
        posted = said(await channel.answer(form({"message": "Hello"}, accept="*/*")))
        assert posted["reference"] == "K4TZ-9QHM"


async def test_the_store_never_learns_a_visitors_secret(tmp_path: Path) -> None:
    store = Store()
    async with window(tmp_path, store) as channel:
        await channel.answer(writing("m-1"))
        await channel.answer(form({"message": "hello"}))
    for envelope in store.taken:
        assert YUKI.encode() not in bytes(envelope.raw)  # type: ignore[arg-type]
        assert YUKI not in envelope.unit


async def test_a_visitor_is_the_same_after_a_restart_and_another_in_another_store(
    tmp_path: Path,
) -> None:
    store, found = Store(), []
    for one in (store, store, Store()):
        async with window(tmp_path, one) as channel:
            found.append(visitor(channel))
    assert found[0] == found[1] != found[2]


async def test_one_visitor_never_sees_anothers_words_or_files(tmp_path: Path) -> None:
    store = Store()
    async with window(tmp_path, store) as channel:
        file = Enclosed("a.png", "image/png", 3, "ab" * 32)
        store.files[file.sha256] = b"png"
        ours = Said("t@desk", True, "reply", "It left today.", NOON, "K4TZ-9QHM", (), (file,))
        store.words[visitor(channel)] = [ours]
        mine = await channel.answer(asking("messages"))
        hers = await channel.answer(asking("messages", HANA))
        assert [one["text"] for one in said(mine)["messages"]] == ["It left today."]
        assert said(hers)["messages"] == []
        assert (await channel.answer(asking(f"files/{file.sha256}"))).body == b"png"
        assert (await channel.answer(asking(f"files/{file.sha256}", HANA))).status == 404
        for bad in ("", "x", "y" * 42, "é" * 43, "y" * 44):
            assert (await channel.answer(asking("messages", bad))).status == 401


async def test_who_waits_is_woken_by_our_word_and_by_no_other_visitors(tmp_path: Path) -> None:
    store = Store()
    async with window(tmp_path, store) as channel:
        version = said(await channel.answer(asking("messages")))["version"]
        waiting = asyncio.ensure_future(channel.answer(asking(f"messages?seen={version}&wait=25")))
        await asyncio.sleep(0)
        await channel.send(Message(to=(Address("", visitor(channel, HANA)),)), "key")
        done, _ = await asyncio.wait({waiting}, timeout=0.05)
        assert not done
        button = Button("Go on in LINE", "", "https://line.me/R/x")
        evil = Button("x", "", "javascript:alert(1)")
        store.words[visitor(channel)] = [
            Said("t@desk", True, "reply", "It left today.\n", NOON, "", (button, evil))
        ]
        to = Address("", visitor(channel))
        assert (
            await channel.send(Message(to=(to,), message_id="t@desk"), "key")
        ).peer_id == "t@desk"
        async with asyncio.timeout(60):
            (one,) = said(await waiting)["messages"]
    assert (one["text"], one["automatic"]) == ("It left today.", False)
    assert [button["url"] for button in one["buttons"]] == ["https://line.me/R/x"]


async def test_an_answer_to_somebody_who_is_away_may_go_another_way(tmp_path: Path) -> None:
    """And it is shown to whoever comes back; what we say by ourselves waits for that alone."""
    store, away = Store(), timedelta(days=4)
    async with window(tmp_path, store) as channel:
        to = (Address("", visitor(channel)),)
        answer = Message(kind="reply", to=to, message_id="t@desk")
        store.words[to[0].address] = [Said("m", False, "message", "Hello", NOON - away)]
        with pytest.raises(Rejected) as error:
            await channel.send(answer, "key")
        assert error.value.reason == "window"
        assert (await channel.send(replace(answer, kind="acknowledgement"), "key")).peer_id
        await channel.answer(asking("messages"))  # there is somebody, who only looks
        assert (await channel.send(answer, "key")).peer_id == "t@desk"
        hers = (Address("", visitor(channel, HANA)),)
        store.words[hers[0].address] = [Said("m", False, "message", "Hello", NOON - away / 2)]
        assert (await channel.send(replace(answer, to=hers), "key")).peer_id == "t@desk"
        store.words = None  # type: ignore[assignment]  # the store does not answer
        with pytest.raises(Retry):
            await channel.send(replace(answer, to=(Address("", "0" * 32),)), "key")


def test_customers_of_other_channels_are_invited_to_a_page() -> None:
    assert settings(page=f"{SHOP}/contact").invites("ABC-12") == f"{SHOP}/contact#madoguchi=ABC-12"
    assert settings().invites("ABC-12") == ""


async def test_a_stop_lets_go_of_who_waits(tmp_path: Path) -> None:
    async with window(tmp_path, Store()) as channel:
        version = said(await channel.answer(asking("messages")))["version"]
        waiting = asyncio.ensure_future(channel.answer(asking(f"messages?seen={version}&wait=25")))
        await asyncio.sleep(0)
    async with asyncio.timeout(60):
        assert (await waiting).status == 200
    assert await call(channel, asking("messages")) == 503


async def test_who_finds_no_seat_is_told_when_to_come_again(tmp_path: Path) -> None:
    async with window(tmp_path, Store()) as channel:
        version = said(await channel.answer(asking("messages")))["version"]
        question = asking(f"messages?seen={version}&wait=25")
        seated = [asyncio.ensure_future(channel.answer(question)) for _ in range(4)]
        await asyncio.sleep(0)
        assert said(await channel.answer(question))["again"] > 0
    await asyncio.gather(*seated)


@pytest.mark.parametrize("path", ["messages", "challenge", "thanks?v=x&k=y", ""])
async def test_pages_of_others_are_refused(tmp_path: Path, path: str) -> None:
    async with window(tmp_path, Store(), origins=[SHOP]) as channel:
        for bad in ("https://evil.example", "null", f"{SHOP}.evil.example", "http://shop.example"):
            answer = await channel.answer(asking(path, origin=bad))
            assert answer.status == 403
            assert "Access-Control-Allow-Origin" not in dict(answer.headers)
            assert (await channel.answer(form({"message": "x"}, origin=bad))).status == 403
        for good in (SHOP, "https://desk.example"):
            headers = dict((await channel.answer(asking(path, origin=good))).headers)
            assert headers["Access-Control-Allow-Origin"] == good
            assert "Origin" in headers["Vary"]


async def test_a_browser_that_asks_first_is_told_what_it_may(tmp_path: Path) -> None:
    async with window(tmp_path, Store(), origins=[SHOP]) as channel:
        asked = asking("messages", method="OPTIONS", origin=SHOP)
        answer = await channel.answer(asked)
        assert answer.status == 204
        assert "X-Visitor" in dict(answer.headers)["Access-Control-Allow-Headers"]
        refused = asking("messages", method="OPTIONS", origin="https://evil.example")
        assert (await channel.answer(refused)).status == 403


async def test_the_script_is_small_whole_and_known_by_its_tag(tmp_path: Path) -> None:
    async with window(tmp_path, Store(), origins=[SHOP]) as channel:
        plain = await channel.answer(asking("widget.js", origin="https://anybody.example"))
        packed = await channel.answer(asking("widget.js", accept_encoding="gzip, br"))
        tag = dict(plain.headers)["ETag"]
        again = await channel.answer(asking("widget.js", if_none_match=tag))
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < 12_000
    assert again == again._replace(status=304, body=b"")
    assert dict(plain.headers)["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert b"Example Support" in plain.body
    for forbidden in (b"eval(", b"innerHTML", b"new Function", b"document.cookie", b"/*settings*/"):
        assert forbidden not in plain.body


async def test_trouble_of_ours_is_503_and_nothing_is_answered_before(tmp_path: Path) -> None:
    store = Store()
    store.says = Unavailable()
    async with window(tmp_path, store) as channel:
        assert await call(channel, writing("m-1")) == 503
        store.says = None
        assert await call(channel, writing("m-1")) == 201
        store.words = None  # type: ignore[assignment]  # the store does not answer
        assert await call(channel, asking("messages")) == 503


async def test_what_the_rules_refuse_is_422(tmp_path: Path) -> None:
    store = Store()
    store.says = Receipt(0, "refused", "why")
    async with window(tmp_path, store) as channel:
        assert await call(channel, writing("m-1")) == 422


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("origins", ["shop.example"]),
        ("origins", ["https://shop.example/"]),
        ("origins", ["https://SHOP.example:443"]),
        ("origins", ["*"]),
        ("thanks", "javascript:alert(1)"),
        ("thanks", "/thanks"),
        ("page", "shop.example"),
        ("mail_domain", "support@example.com"),
        ("proof_of_work", 60),
    ],
)
def test_settings_that_cannot_work_are_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=key):
        settings(**{key: value})


def test_a_visitor_is_no_mail_address() -> None:
    assert settings().refuses("yuki@example.jp")
    assert settings().refuses("0" * 32) == ""
