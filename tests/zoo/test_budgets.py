"""Each budget of `[acknowledge.limits]` on a real store: where it ends, and whom it leaves alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from store import rows
from store.bulk import insert
from store.rows import instant
from tests.making import CONFIG, NOON, Desk, mail, opened
from tests.zoo.test_gateways import TWO_CHANNELS

LIMITS = f"""{CONFIG}
[acknowledge.limits]
per_sender_day = 0
unauthenticated_day = 0
unauthenticated_hour = 0
per_conversation_day = 0
"""


async def acknowledged(desk: Desk, sender: str, *, vouched: bool = True, **more: Any) -> str:
    """Why a new matter of somebody is not acknowledged; "" if it is."""
    number = await desk.count("messages")
    domain = sender.rpartition("@")[2].lower() if vouched else ""
    raw = mail(sender, f"Matter {number}", f"Number {number}", vouched=domain)
    receipt = await desk.accept(raw, sender, **more)
    decision = await desk.decision(receipt.message)
    return "" if decision["outcome"] == "sent" else decision["reason"]


async def test_a_domain_has_so_many_an_hour(tmp_path: Path) -> None:
    async with opened(tmp_path, f"{LIMITS}per_domain_hour = 3") as desk:
        for n in range(3):
            assert not await acknowledged(desk, f"a{n}@example.jp")
        full = await acknowledged(desk, "b@example.jp")
        assert full == "the budget for this domain this hour is spent"
        assert await acknowledged(desk, "c@EXAMPLE.jp") == full
        assert not await acknowledged(desk, "a@example.org")
        assert not await acknowledged(desk, "a@sub.example.jp")
        desk.clock.advance(minutes=61)
        assert not await acknowledged(desk, "b@example.jp")


async def test_everybody_together_has_so_many_a_minute(tmp_path: Path) -> None:
    async with opened(tmp_path, f"{LIMITS}global_minute = 2") as desk:
        for n in range(2):
            assert not await acknowledged(desk, f"a@d{n}.example")
        assert await acknowledged(desk, "a@d9.example") == "the budget for this minute is spent"
        desk.clock.advance(seconds=61)
        assert not await acknowledged(desk, "a@d9.example")


async def test_all_limits_at_nought_hold_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path, LIMITS) as desk:
        for n in range(130):
            assert not await acknowledged(desk, f"ticket-{n}@example.jp", vouched=n % 2 == 0)


SPELLINGS = {
    "capitals": ("yuki@example.jp", "Yuki@Example.JP"),
    "tags": ("yuki@example.jp", "yuki+shop@example.jp"),
    "dots": ("y.uki@gmail.com", "yuk.i@gmail.com"),
    "dots elsewhere, too": ("y.uki@example.jp", "yuki@example.jp"),
    "all at once": ("yuki@gmail.com", "Y.U.K.I+1.2@GMAIL.com"),
}


@pytest.mark.parametrize(("first", "second"), SPELLINGS.values(), ids=SPELLINGS)
async def test_spellings_of_one_address_have_one_budget_and_identities_of_their_own(
    desk: Desk, first: str, second: str
) -> None:
    assert not await acknowledged(desk, first, vouched=False)
    reason = await acknowledged(desk, second, vouched=False)
    assert reason == "the budget for an unauthenticated sender today is spent"
    differ = first.lower() != second.lower()
    assert await desk.count("identities") == 1 + differ


async def test_other_people_have_budgets_of_their_own(desk: Desk) -> None:
    assert not await acknowledged(desk, "yuki@example.jp", vouched=False)
    for other in ("yuki2@example.jp", "yuki@example.com.au", "yu-ki@example.jp"):
        assert not await acknowledged(desk, other, vouched=False)


async def test_a_budget_is_one_across_channels(tmp_path: Path) -> None:
    async with opened(tmp_path, TWO_CHANNELS) as desk:
        assert not await acknowledged(desk, "yuki@example.jp", vouched=False)
        there = {"channel": "billing", "to": ("billing@example.com",)}
        assert "is spent" in await acknowledged(desk, "yuki@example.jp", vouched=False, **there)


async def test_budgets_survive_a_restart(tmp_path: Path) -> None:
    for said in (True, False):
        async with opened(tmp_path) as desk:
            reason = await acknowledged(desk, "yuki@example.jp", vouched=False)
            assert (reason == "") is said


async def test_the_next_day_everybody_is_answered_again(desk: Desk) -> None:
    for _ in range(3):
        assert not await acknowledged(desk, "yuki@example.jp", vouched=False)
        assert await acknowledged(desk, "yuki@example.jp", vouched=False)
        desk.clock.advance(hours=25)


async def test_what_people_write_is_never_counted(desk: Desk) -> None:
    assert not await acknowledged(desk, "yuki@example.jp")
    ours = await desk.one("SELECT * FROM outbox")
    reply = ours | {"automatic": False, "created_at": instant(NOON + timedelta(seconds=1))}

    def many(connection: Any, changes: Any) -> None:
        replies = [rows.Outbox(**(reply | {"id": changes.new_id()})) for _ in range(50)]
        insert(connection, replies)

    await desk.store.write(many)
    for _ in range(4):
        assert not await acknowledged(desk, "yuki@example.jp")
    assert "is spent" in await acknowledged(desk, "yuki@example.jp")
