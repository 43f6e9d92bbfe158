"""Promotions go to those who agreed, name their sender, and end with one word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway import rules
from gateway.desk.speak import Refused
from gateway.notices import acts
from gateway.notices.wanted import Announce
from tests.gateway.notices.many import (
    MORE,
    TEXT,
    agree,
    begin,
    customers,
    drain,
    loop,
    now,
    said,
    who,
)
from tests.making import CONFIG, KEYS, Desk, mail, opened


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + MORE) as desk:
        yield desk


async def test_a_promotion_goes_only_to_those_who_agreed_and_names_its_sender(desk: Desk) -> None:
    ids = await customers(desk, 3)
    agreed = await agree(desk, ids[0])
    assert agreed.promotion
    assert agreed.evidence[0].by == "Aiko"
    await agree(desk, ids[1])
    refused = await agree(desk, ids[1], promotion=False)
    assert refused.promotion is False
    assert len(refused.evidence) == 2
    notice = await begin(desk, "promotion", customers=ids)
    assert await drain(desk, loop(desk)) == 1
    (row,) = await said(desk)
    assert "Example Ltd.\n1-2-3 Kanda, Tokyo" in row["text"]
    assert row["unsubscribe"].startswith("https://help.example.com/u/")
    assert row["unsubscribe"] in row["text"]
    left = (await now(desk, notice.id)).counts.left_out
    assert left == {"no recorded opt-in": 1, "they opted out": 1}


async def test_a_promotion_without_a_sender_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, CONFIG) as desk:
        ids = await customers(desk, 1)
        asked = Announce(kind="promotion", text=TEXT, customers=ids)
        act = acts.start(rules.announcing(desk.config, KEYS), asked, who(desk))
        refused = await desk.store.change(act)
        assert isinstance(refused, Refused)
        assert "sender_address" in refused.detail


@pytest.mark.parametrize("word", ["unsubscribe", "STOP.", "配信停止", "「配信停止」希望です"])
async def test_one_word_ends_promotions_at_once_and_what_is_queued_too(
    desk: Desk, word: str
) -> None:
    (id_,) = await customers(desk, 1)
    await agree(desk, id_)
    await begin(desk, "promotion", customers=[id_])
    assert await drain(desk, loop(desk)) == 1
    (row,) = await said(desk)
    await desk.change("UPDATE cases SET status = 'resolved', unanswered_since = NULL")
    answer = mail(
        sender="<c0@example.jp>", body=word, vouched="example.jp",
        In_Reply_To=f"<{row['message_id']}>",
    )  # fmt: skip
    await desk.accept(answer, "c0@example.jp")
    row, confirmed = await said(desk)
    assert "no more offers" in confirmed["text"] or "ご案内の停止を承りました" in confirmed["text"]
    assert (row["state"], row["error"]) == ("failed", "the customer wants no promotions any more")
    assert (await desk.one("SELECT status FROM cases"))["status"] == "resolved"
    again = await begin(desk, "promotion", customers=[id_], text={"en": "More!"})
    assert await drain(desk, loop(desk)) == 0
    assert (await now(desk, again.id)).counts.left_out == {"they opted out": 1}


async def test_a_forged_no_ends_nothing(desk: Desk) -> None:
    (id_,) = await customers(desk, 1)
    await agree(desk, id_)
    await desk.accept(mail(sender="<c0@example.jp>", body="unsubscribe"), "c0@example.jp")
    assert (await desk.one("SELECT count(*) AS n FROM consents WHERE NOT given"))["n"] == 0


async def test_a_sentence_with_the_word_in_it_is_no_opt_out(desk: Desk) -> None:
    (id_,) = await customers(desk, 1)
    await agree(desk, id_)
    body = "Please stop the delivery of my parcel."
    await desk.accept(mail(sender="<c0@example.jp>", body=body, vouched="example.jp"))
    assert (await desk.one("SELECT count(*) AS n FROM consents WHERE NOT given"))["n"] == 0
