"""The channel `web`: whose pages are welcome, what is taken, what is refused and in which words."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settled
from hypothesis import strategies as st

from channels.base import Host, NoPast, Receipt, Rejected, Request, Retry, Unavailable
from channels.testing import call
from channels.web import Web
from channels.web.rates import Rate, network
from channels.web.stamp import Stamps
from normalizer import normalize
from normalizer.message import Address, Button, Envelope, Identity, Message
from normalizer.said import Enclosed, Said
from tests.channels.web_peer import (
    HANA,
    SHOP,
    YUKI,
    asking,
    form,
    multipart,
    said,
    settings,
    uploading,
    worked,
    writing,
)
from tests.making import NOON, until

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 50


class Store(NoPast):
    """Takes what comes, once; `words` are what was said with whom."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Envelope] = []
        self.words: dict[str, list[Said]] = {}
        self.files: dict[str, bytes] = {}
        self.says: Receipt | Exception | None = None

    async def accept(self, envelope: Envelope) -> Receipt:
        if isinstance(self.says, Exception):
            raise self.says
        known = envelope.unit in {one.unit for one in self.taken}
        if not known:
            self.taken.append(envelope)
            (message,) = normalize(envelope)
            visitor = message.claims[0].identity.address
            mine = Said(message.message_id, False, "message", message.text, NOON, "K4TZ-9QHM")
            self.words.setdefault(visitor, []).append(mine)
        return self.says or Receipt(7, "duplicate" if known else "accepted")

    async def said(self, to: Identity, /) -> tuple[Said, ...]:
        return tuple(self.words.get(to.address, ()))

    async def octets(self, sha256: str, /) -> bytes | None:
        return self.files.get(sha256)

    def messages(self) -> list[Message]:
        return [normalize(envelope)[0] for envelope in self.taken]


class Clock:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def window(
    folder: Path, store: Store, clock: Clock | None = None, **more: Any
) -> AsyncIterator[Web]:
    host = Host("mx.example", folder, past=lambda _: store, inbox=lambda _: store)
    channel = Web(settings(**more), host, now=lambda: NOON, clock=clock or Clock())
    task = asyncio.ensure_future(channel.receive(store.accept))
    await until(lambda: asyncio.sleep(0, channel.ready))
    try:
        yield channel
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def visitor(channel: Web, token: str = YUKI) -> str:
    return channel._window.visitors.of(token)


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
        async with asyncio.timeout(20):
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
    async with asyncio.timeout(20):
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


W11 = {
    "as many parts as fit": (multipart(*[("a", None, b"")] * 200_000), 413),
    "a million pairs": (b"&" * 1_000_000, 413),
    "a huge header of a part": (b"--limit\r\nX: " + b"x" * 5_000_000, 413),
    "many headers of a part": (b"--limit\r\n" + b"X: y\r\n" * 500_000, 413),
    "a header without end": (b'--limit\r\nContent-Disposition: form-data; name="' + b"a" * 2000, 400),
    "no end": (multipart(("id", None, b"m-000001"))[:-10], 400),
    "another boundary": (multipart(("id", None, b"m"), boundary="other"), 400),
    "nothing": (b"", 400),
    "20 MB": (multipart(("file", "a.png", PNG + b"\0" * 20_000_000)), 413),
    "escapes": (b"a=" + b"%41" * 3_000_000, 413),
}  # fmt: skip


@pytest.mark.parametrize("name", W11)
async def test_w11_a_body_made_to_hurt_is_refused_and_costs_little(
    tmp_path: Path, name: str
) -> None:
    body, status = W11[name]
    kind = "multipart/form-data; boundary=limit" if b"limit" in body[:20] else None
    request = uploading(body, **({} if kind or name in {"nothing", "another boundary"} else
                                 {"content-type": "application/x-www-form-urlencoded"}))  # fmt: skip
    async with window(tmp_path, Store()) as channel:
        tracemalloc.start()
        try:
            assert await call(channel, request) == status
            assert tracemalloc.get_traced_memory()[1] < 60 * 2**20
        finally:
            tracemalloc.stop()
        assert await call(channel, writing("m-1")) == 201


async def test_w12_other_spellings_of_a_path_lead_nowhere(tmp_path: Path) -> None:
    async with window(tmp_path, Store()) as channel:
        for path in ("../messages", "files/../../secret.key", "files/%2e%2e/x", "widget.js/../x"):
            assert (await channel.answer(asking(path))).status == 404
        ranged = await channel.answer(asking("widget.js", range="bytes=0-1,2-3,4-5"))
    assert ranged.status == 200


async def test_w12_a_forwarded_address_does_not_hide_a_peer(tmp_path: Path) -> None:
    async with window(tmp_path, Store(), per_peer=2) as channel:
        ends = [
            (
                await channel.answer(
                    writing(f"m-{n}", headers={"x-forwarded-for": f"203.0.113.{n}"})
                )
            ).status
            for n in range(3)
        ]
    assert ends == [201, 201, 429]


async def test_each_limit_says_when_to_come_again(tmp_path: Path) -> None:
    clock = Clock()
    async with window(tmp_path, Store(), clock, per_peer=2, per_visitor=3, per_minute=4) as channel:
        for n in range(2):
            assert await call(channel, writing(f"m-{n}")) == 201
        late = await channel.answer(writing("m-2"))
        assert (late.status, dict(late.headers)["Retry-After"]) == (429, "31")
        assert await call(channel, writing("m-2", peer="192.0.2.2")) == 201
        assert await call(channel, writing("m-3", peer="192.0.2.2")) == 429  # the visitor's own
        assert await call(channel, writing("m-4", token=HANA, peer="192.0.2.3")) == 429  # all
        clock.now += 31
        assert await call(channel, writing("m-2")) == 200


def test_a_minute_brings_all_of_a_limit_back_and_nobody_is_remembered_for_ever() -> None:
    rate = Rate(3)
    assert [rate.wait("a", 0) for _ in range(4)] == [0, 0, 0, 21]
    assert [rate.wait("a", 60) for _ in range(4)] == [0, 0, 0, 21]
    for n in range(30_000):
        rate.wait(f"{n}", 61)
    assert len(rate._left) <= 20_000
    assert Rate(0).wait("a", 0) == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "unix", False),
    ],
)
def test_a_whole_customers_network_is_one_peer(one: str, other: str, same: bool) -> None:
    assert (network(one) == network(other)) is same


async def test_a_form_that_was_filled_in_too_fast_is_asked_to_wait(tmp_path: Path) -> None:
    clock = Clock()
    async with window(tmp_path, Store(), clock) as channel:
        stamp = said(await channel.answer(asking("challenge")))["stamp"]
        early = await channel.answer(form({"message": "x", "_opened": stamp}, accept="*/*"))
        assert (early.status, said(early)["why"]) == (429, "early")
        clock.now += 2
        assert await call(channel, form({"message": "x", "_opened": stamp})) == 303
        assert await call(channel, form({"message": "y", "_opened": "made up"})) == 303


async def test_a_first_message_needs_work_where_it_is_asked_for(tmp_path: Path) -> None:
    store = Store()
    async with window(tmp_path, store, proof_of_work=6) as channel:
        unproven = await channel.answer(writing("m-1"))
        assert (unproven.status, said(unproven)["why"]) == (403, "stale")
        challenge = said(await channel.answer(asking("challenge")))
        stamp, proof = challenge["stamp"], worked(challenge["stamp"], 6)
        assert challenge["bits"] == 6
        wrong = await channel.answer(writing("m-1", _opened=stamp, _proof="x"))
        assert said(wrong)["why"] == "unproven"
        assert await call(channel, writing("m-1", _opened=stamp, _proof=proof)) == 201
        again = await channel.answer(writing("m-1", token=HANA, _opened=stamp, _proof=proof))
        assert said(again)["why"] == "stale", "a stamp counts once"
        assert await call(channel, writing("m-2")) == 201, "somebody known need not prove it again"
        assert await call(channel, form({"message": "x"})) == 403


def test_a_stamp_is_ours_whole_and_fresh() -> None:
    stamps, others = Stamps(4, 2), Stamps(4, 2)
    stamp = stamps.make(0)
    proof = worked(stamp, 4)
    assert stamps.proven(others.make(0), proof, 1) == "stale"
    assert stamps.proven(stamp[:-1], proof, 1) == "stale"
    assert stamps.proven(f"9{stamp}", proof, 1) == "stale"
    assert stamps.proven(stamp, proof, 3601) == "stale"
    assert stamps.proven(stamp, proof, 1) == ""


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
