"""WhatsApp: nothing is taken that Meta did not sign, and each message is stored once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Host, Response, Unavailable
from channels.whatsapp import WhatsApp
from channels.whatsapp.call import challenge, take_apart
from normalizer import normalize
from tests.channels.graph_double import (
    HANA,
    NUMBER,
    VERIFY,
    YUKI,
    body,
    message,
    request,
    sign,
    status,
    whatsapp_settings,
)
from tests.channels.hooked import running
from tests.channels.line_channel import Gateway
from tests.making import CONFIG, opened

TALK = f"""
[[channel]]
name = "wa"
type = "whatsapp"
phone_number_id = "{NUMBER}"
access_token = {{ file = "secret" }}
app_secret = {{ file = "secret" }}
verify_token = {{ file = "secret" }}
"""


@asynccontextmanager
async def whatsapp(
    folder: Path, gateway: Gateway | None = None, **more: Any
) -> AsyncIterator[tuple[WhatsApp, Gateway]]:
    def make(host: Host) -> WhatsApp:
        return WhatsApp(whatsapp_settings(**more), host)

    async with running(make, folder, gateway) as both:
        yield both


async def test_a_signed_call_is_taken_in_message_by_message(tmp_path: Path) -> None:
    said = body(message(1, text={"body": "注文は 🙂"}), message(2, HANA))
    async with whatsapp(tmp_path) as (channel, gateway):
        assert (await channel.answer(request(said))).status == 200
        assert {one.unit for one in gateway.taken} == {f"wamid.IN{n:030}" for n in (1, 2)}
        found = [normalize(one)[0] for one in gateway.taken]
        writers = {str(one.claims[0].identity): one.claims[0].name for one in found}
        assert writers == {f"whatsapp:{YUKI}": "ゆき🌸", f"whatsapp:{HANA}": "ゆき🌸"}


@pytest.mark.parametrize(
    "claimed",
    [
        "",
        "sha256=",
        sign(b"other"),
        sign(body(), "another secret"),
        sign(body()).upper(),
        sign(body()).removeprefix("sha256="),
        sign(body()).replace("sha256", "sha1"),
        sign(body())[:-1],
        f"{sign(body())} ",
        "é",
    ],
)
async def test_what_meta_did_not_sign_is_refused_w01(claimed: str, tmp_path: Path) -> None:
    async with whatsapp(tmp_path) as (channel, _):
        assert (await channel.answer(request(body(), claimed))).status == 401
        assert (await channel.answer(request(body()))).status == 200


async def test_the_same_message_at_the_same_moment_is_stored_once_i20(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret-secret")
    said = request(body(message(1)))
    async with opened(tmp_path, CONFIG + TALK) as desk:
        channel = WhatsApp(whatsapp_settings(), Host("mx.example", tmp_path))
        receiving = asyncio.create_task(channel.receive(desk.ingest.accept))
        await asyncio.sleep(0)
        both = await asyncio.gather(channel.answer(said), channel.answer(said))
        again = await channel.answer(said)
        assert [one.status for one in (*both, again)] == [200, 200, 200]
        assert await desk.count("messages WHERE direction = 'in'") == 1
        assert await desk.count("cases") == 1
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        await channel.close()


async def test_a_store_that_is_away_brings_meta_again_i22(tmp_path: Path) -> None:
    said = request(body(message(1), message(2, HANA)))
    async with whatsapp(tmp_path, Gateway(down=1)) as (channel, gateway):
        with pytest.raises(Unavailable):
            await channel.answer(said)
        assert (await channel.answer(said)).status == 200
        assert {one.unit for one in gateway.taken} == {f"wamid.IN{n:030}" for n in (1, 2)}


async def test_what_one_person_says_stays_in_its_order(tmp_path: Path) -> None:
    calls = [request(body(message(n), message(n + 1))) for n in (1, 3, 5)]
    async with whatsapp(tmp_path) as (channel, gateway):
        await asyncio.gather(*map(channel.answer, calls))
        assert [one.unit for one in gateway.taken] == [f"wamid.IN{n:030}" for n in range(1, 7)]


async def test_reports_are_taken_and_steps_on_the_way_are_not(tmp_path: Path) -> None:
    states = ("sent", "delivered", "read", "played", "failed", "warning")
    said = body(statuses=[status(state, "wamid.OUT") for state in states])
    async with whatsapp(tmp_path) as (channel, gateway):
        assert (await channel.answer(request(said))).status == 200
        units = [one.unit for one in gateway.taken]
        assert units == [f"wamid.OUT:{s}" for s in ("delivered", "read", "played", "failed")]


async def test_other_numbers_and_groups_are_left_alone(tmp_path: Path) -> None:
    others = body(message(1), number="999999999")
    group = body(message(2) | {"group_id": "Y2Fwa"})
    complaint = body(errors=[{"code": 130429, "title": "Rate limit hit"}])
    async with whatsapp(tmp_path) as (channel, gateway):
        with structlog.testing.capture_logs() as logs:
            for said in (others, group, complaint):
                assert (await channel.answer(request(said))).status == 200
        assert gateway.taken == []
    told = [(one["event"], one.get("count"), one.get("reason")) for one in logs]
    assert told == [
        ("whatsapp.other_number", 1, None),
        ("whatsapp.complaint", None, "130429 Rate limit hit"),
    ]


@pytest.mark.parametrize("octets", [b"{}", b"[]", b"", b'{"object":"page"}', b"[" * 100_000])
async def test_what_is_no_call_of_whatsapps_is_refused(octets: bytes, tmp_path: Path) -> None:
    async with whatsapp(tmp_path) as (channel, gateway):
        assert (await channel.answer(request(octets))).status == 400
        assert gateway.taken == []


async def test_meta_may_ask_whether_the_address_is_ours(tmp_path: Path) -> None:
    asked = f"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={VERIFY}"

    async def ask(query: str) -> Response:
        return await channel.answer(request(b"", "")._replace(method="GET", query=query))

    async with whatsapp(tmp_path) as (channel, _):
        assert await ask(asked) == Response(200, b"1158201444")
        for wrong in (
            "",
            asked.replace(VERIFY, VERIFY.upper()),
            asked.replace(VERIFY, ""),
            asked.replace("subscribe", "unsubscribe"),
            asked.replace("1158201444", "%3Cscript%3E"),
            asked.replace("1158201444", "1" * 201),
            "&".join(f"a{n}=1" for n in range(10_000)),
        ):
            assert (await ask(wrong)).status == 403
        assert (await channel.answer(request(body(), method="DELETE"))).status == 405
        assert (await channel.answer(request(body(), path="/x"))).status == 404


async def test_a_channel_that_does_not_run_asks_meta_to_come_again(tmp_path: Path) -> None:
    channel = WhatsApp(whatsapp_settings(), Host("mx.example", tmp_path))
    with pytest.raises(Unavailable):
        await channel.answer(request(body(message())))
    await channel.close()


def test_of_several_contacts_each_message_gets_its_writers_own() -> None:
    said = json.loads(body(message(1), message(2, HANA)))
    contacts = said["entry"][0]["changes"][0]["value"]["contacts"]
    contacts[0]["profile"]["name"], contacts[1]["profile"]["name"] = "Yuki", "Hana"
    contacts.reverse()
    batch = take_apart(json.dumps(said).encode(), NUMBER)
    assert batch
    names = [json.loads(one.raw)["contact"]["profile"]["name"] for one in batch.events]
    assert names == ["Yuki", "Hana"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON, JSON, JSON)
def test_no_call_makes_it_raise(messages: Any, contacts: Any, statuses: Any) -> None:
    said = json.loads(body()) | {}
    value = said["entry"][0]["changes"][0]["value"]
    value |= {"messages": messages, "contacts": contacts, "statuses": statuses}
    batch = take_apart(json.dumps(said).encode(), NUMBER)
    assert batch is not None


@given(st.binary(), st.text())
def test_no_octets_make_it_raise(octets: bytes, query: str) -> None:
    take_apart(octets, NUMBER)
    assert challenge(VERIFY, query) == ""
