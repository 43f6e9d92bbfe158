"""How much and how often: what hurts is refused, and costs little."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from channels.testing import call
from channels.web.rates import Rate, network
from channels.web.stamp import Stamps
from tests.channels.web_peer import (
    HANA,
    asking,
    form,
    multipart,
    said,
    uploading,
    worked,
    writing,
)
from tests.channels.web_window import PNG, Clock, Store, window

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
        wrong = await channel.answer(writing("m-1", _proof=f"{stamp}:x"))
        assert said(wrong)["why"] == "unproven"
        assert await call(channel, writing("m-1", _proof=proof)) == 201
        again = await channel.answer(writing("m-1", token=HANA, _proof=proof))
        assert said(again)["why"] == "stale", "a stamp counts once"
        assert await call(channel, writing("m-2")) == 201, "somebody known need not prove it again"
        assert await call(channel, form({"message": "x"})) == 403


async def test_work_that_is_done_when_a_form_is_sent_is_not_taken_for_haste(tmp_path: Path) -> None:
    clock = Clock()
    async with window(tmp_path, Store(), clock, proof_of_work=6) as channel:
        page = said(await channel.answer(asking("challenge")))["stamp"]
        clock.now += 60
        task = said(await channel.answer(asking("challenge")))["stamp"]
        filled = {"message": "x", "_opened": page, "_proof": worked(task, 6)}
        assert await call(channel, form(filled)) == 303


def test_a_stamp_is_ours_whole_and_fresh() -> None:
    stamps, others = Stamps(4, 2), Stamps(4, 2)
    stamp = stamps.make(0)
    proof = worked(stamp, 4)
    assert stamps.proven(worked(others.make(0), 4), 1) == "stale"
    assert stamps.proven(proof.replace(":", "0:"), 1) == "stale"
    assert stamps.proven(f"9{proof}", 1) == "stale"
    assert stamps.proven(proof, 3601) == "stale"
    assert stamps.proven(proof, 1) == ""
