"""After a crash, a broken connection or another clock: nothing is sent twice, nothing forgotten."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy import text as sql

from channels.base import InDoubt
from store.engine import StoreUnavailable
from tests.gateway.delivering import MINUTE, Stuck, deliver_all, fill, settled, states, stop
from tests.making import Desk, mail


async def crashed(desk: Desk, *, automatic: bool) -> None:
    """A row that a process was sending when it died."""
    await desk.accept(mail())
    await desk.store.write(
        lambda c, _: c.execute(sql("UPDATE outbox SET automatic = :a"), {"a": automatic})
    )
    claimed = await desk.store.settle_and_claim([], "mail", desk.clock, "us", MINUTE, 9)
    assert len(claimed) == 1


async def test_after_a_crash_automatic_mail_is_in_doubt_and_stays_unsent(desk: Desk) -> None:
    await crashed(desk, automatic=True)
    assert await desk.store.recover(desk.clock(), "us") == 1
    assert await states(desk) == ["in_doubt"]
    assert await desk.store.settle_and_claim([], "mail", desk.clock, "us", MINUTE, 9) == []


async def test_after_a_crash_a_person_s_reply_goes_again_with_the_same_message_id(
    desk: Desk,
) -> None:
    await crashed(desk, automatic=False)
    await desk.store.recover(desk.clock(), "us")
    assert await states(desk) == ["queued"]
    await deliver_all(desk)
    stored = await desk.one("SELECT message_id FROM messages WHERE direction = 'out'")
    assert [m.message_id for m in desk.wire.sent] == [stored["message_id"]]


@pytest.mark.parametrize("automatic", [True, False])
async def test_a_connection_that_breaks_after_the_data_doubles_nothing(
    desk: Desk, *, automatic: bool
) -> None:
    """Nobody knows whether the peer has it: a person's words go again as the very same mail."""
    await desk.accept(mail())
    await desk.store.write(
        lambda c, _: c.execute(sql("UPDATE outbox SET automatic = :a"), {"a": automatic})
    )
    desk.wire.answers = [InDoubt("the connection broke")]
    await deliver_all(desk, None, "in_doubt" if automatic else "deferred")
    desk.clock.advance(days=1)
    await deliver_all(desk, None, "in_doubt", "sent")
    stored = await desk.one("SELECT message_id FROM messages WHERE direction = 'out'")
    again = [] if automatic else [stored["message_id"]]
    assert [m.message_id for m in desk.wire.sent] == again


async def test_what_another_process_is_sending_is_left_to_it_until_its_lease_ends(
    desk: Desk,
) -> None:
    await crashed(desk, automatic=True)
    assert await desk.store.recover(desk.clock(), "somebody else") == 0
    desk.clock.advance(minutes=2)
    assert await desk.store.recover(desk.clock(), "somebody else") == 1


@pytest.mark.parametrize("automatic", [True, False])
async def test_a_clock_set_forward_sends_nothing_twice_t02(desk: Desk, *, automatic: bool) -> None:
    """What we are sending at that moment is no dead process's, however late it seems to be."""
    stuck = Stuck()
    await desk.accept(mail())
    await desk.store.write(
        lambda c, _: c.execute(sql("UPDATE outbox SET automatic = :a"), {"a": automatic})
    )
    deliver = desk.deliver(channels={"mail": stuck})
    task = asyncio.create_task(deliver.run("mail"))
    await stuck.given.get()
    desk.clock.advance(hours=1)
    assert await deliver.recover() == 0
    stuck.let_go.set()
    await settled(desk, {"sent"})
    await stop(task)
    assert len(stuck.sent) == 1


async def test_what_was_taken_a_moment_ago_is_ours_before_we_have_heard_of_it_t02(
    desk: Desk,
) -> None:
    """The clock is set forward between the claim and its answer, on a machine with much to do."""
    claimed = threading.Event()

    def forward(failpoint: str) -> None:
        if failpoint == "F4":
            desk.clock.advance(hours=1)
            claimed.set()

    await desk.accept(mail())
    deliver = desk.deliver(failpoint=forward)
    taking = asyncio.create_task(deliver._claim("mail", set(), []))
    await asyncio.sleep(0)
    assert claimed.wait(30)  # and meanwhile this loop hears of nothing
    assert await deliver.recover() == 0
    await taking
    assert await states(desk) == ["sending"]


async def test_what_ended_while_the_store_was_down_is_recovered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end could not be written; nobody is sending it any more."""

    async def down(*_: Any, **__: Any) -> None:
        raise StoreUnavailable

    stuck = Stuck()
    await desk.accept(mail())
    deliver = desk.deliver(channels={"mail": stuck})
    task = asyncio.create_task(deliver.run("mail"))
    await stuck.given.get()
    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "settle_and_claim", down)
        stuck.let_go.set()
        await stop(task)
    desk.clock.advance(hours=1)
    assert await deliver.recover() == 1
    assert await states(desk) == ["in_doubt"]


async def test_a_clock_set_back_an_hour_sends_nothing_twice_t02(desk: Desk) -> None:
    await fill(desk, 2)
    await deliver_all(desk)
    desk.clock.advance(hours=-1)
    await deliver_all(desk)
    assert len(desk.wire.sent) == 2
    before = await desk.one("SELECT max(id) AS id FROM messages")
    again = await desk.accept(mail("new@example.net"))
    assert again.message > before["id"]
