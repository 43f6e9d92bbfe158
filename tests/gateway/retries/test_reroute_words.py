"""What we said by ourselves and did not arrive goes by another way in that way's own words, if still true."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.base import Rejected
from gateway import rules as made
from gateway.desk import acts
from gateway.desk.speak import Who
from gateway.desk.wanted import Reply
from tests.gateway.retries.ways import (
    MAIL,
    deliver,
    instead,
    one_customer,
    reroute,
    several_ways,
)
from tests.making import KEYS, Desk

NUDGE = """
[[follow_up]]
name = "nudge"
when = "pending"
after = "1 hour"
send = "nudge"
"""


@pytest.fixture
async def nudging(tmp_path: Path) -> AsyncIterator[Desk]:
    async with several_ways(tmp_path, NUDGE) as desk:
        yield desk


async def nudged(desk: Desk) -> int:
    """A case whose customer was nudged on the shop, in vain."""
    case = await one_customer(desk, MAIL)
    act = acts.reply(made.desk(desk.config, KEYS), case, Reply(text="?", status="pending"), (),
                     Who("Aiko", "desk", desk.clock()))  # fmt: skip
    await desk.store.change(act)
    await desk.change("UPDATE outbox SET state = 'sent'")
    desk.clock.advance(hours=2)
    await desk.follow_ups().look()
    await deliver(desk, Rejected("blocked", "address_dead"))
    return case


async def test_a_follow_up_goes_on_in_the_other_way_s_own_words(nudging: Desk) -> None:
    await nudged(nudging)
    lost = await nudging.one("SELECT text, buttons FROM messages WHERE kind = 'follow_up'")
    assert "tell us here" in lost["text"]
    assert "solved" in lost["buttons"]
    await reroute(nudging).look()
    await reroute(nudging).look()
    (row,) = await instead(nudging)
    assert row["channel"] == "mail"
    assert "tell us here" not in row["text"]
    assert "this mail" in row["text"] or "this message" in row["text"]
    wire = await deliver(nudging, channel="mail")
    assert len(wire.sent) == 1
    assert wire.sent[0].subject


async def test_a_follow_up_that_is_not_true_any_more_ends(nudging: Desk) -> None:
    case = await nudged(nudging)
    await nudging.change("UPDATE cases SET status = 'open' WHERE id = :id", id=case)
    await reroute(nudging).look()
    assert await instead(nudging) == []


@pytest.mark.parametrize("is_kept", [False, True])
async def test_a_later_time_is_told_elsewhere_as_long_as_it_stands(
    tmp_path: Path, is_kept: bool
) -> None:
    async with several_ways(tmp_path, '[promise]\nnotice = "15 minutes"\n') as desk:
        case = await one_customer(desk, MAIL)
        promise = Reply(text="We ask.", next_update_by="2 hours", waiting_for="the maker")
        await desk.store.change(
            acts.reply(made.desk(desk.config, KEYS), case, promise, (), Who("A", "", desk.clock()))
        )
        await desk.change("UPDATE outbox SET state = 'sent'")
        desk.clock.advance(hours=2.25)
        await desk.follow_ups().look()
        by = await desk.one("SELECT next_update_by FROM cases WHERE id = :id", id=case)
        await deliver(desk, Rejected("blocked", "address_dead"))
        if is_kept:
            await desk.change("UPDATE cases SET next_update_by = NULL WHERE id = :id", id=case)
        desk.clock.advance(minutes=5)
        await reroute(desk).look()
        said = [row["text"] for row in await instead(desk) if "the maker" in row["text"]]
        assert len(said) == (not is_kept)
        if not is_kept:  # the time that stands, and no other
            assert "by 9:30 am tomorrow" in said[0]
            assert by == await desk.one("SELECT next_update_by FROM cases WHERE id = :id", id=case)
