"""Each end of a delivery, and no row of which nobody knows whether it was tried."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from channels.base import ChannelDown, InDoubt, Rejected, Retry, Sent
from gateway import deliver as module
from gateway.deliver import UNDER_WAY, failed
from gateway.outgoing.render import render
from normalizer.message import Message
from store.outbox import Delivery
from tests.gateway.delivering import MINUTE, Stuck, deliver_all, fill, settled, states, stop
from tests.making import NOON, Desk, Wire, mail, until


def delivery(
    attempts: int = 1, *, automatic: bool = True, age: timedelta = timedelta()
) -> Delivery:
    return Delivery(1, 2, 3, "mail", automatic, attempts, Message(), NOON - age)


ENDS: dict[str, tuple[Exception, bool, str, timedelta | None]] = {
    "retry": (Retry("busy"), True, "deferred", MINUTE),
    "retry, after": (Retry("busy", timedelta(hours=2)), True, "deferred", timedelta(hours=2)),
    "refused": (Rejected("spam"), True, "failed", None),
    "dead": (Rejected("gone", "address_dead"), True, "failed", None),
    "window": (Rejected("late", "window"), False, "failed", None),
    "down": (ChannelDown("no route"), True, "deferred", MINUTE),
    "in doubt, automatic": (InDoubt("broke"), True, "in_doubt", None),
    "in doubt, a person's": (InDoubt("broke"), False, "deferred", MINUTE),
}


@pytest.mark.parametrize(("error", "automatic", "state", "wait"), ENDS.values(), ids=ENDS)
def test_an_unhappy_end_has_its_state_and_its_time(
    error: Any, automatic: bool, state: str, wait: timedelta | None
) -> None:
    settled = failed(delivery(automatic=automatic), error, NOON)
    assert settled.state == state
    again = settled.retry_at
    assert (wait is None) if again is None else (wait and wait <= again - NOON <= wait * 1.25)
    assert settled.error == str(error)
    assert settled.address_dead is (str(error) == "gone")


def test_a_channel_that_is_down_is_asked_every_five_minutes_for_days() -> None:
    days = timedelta(days=4)
    settled = failed(delivery(1000, age=days), ChannelDown(), NOON)
    assert (settled.state, settled.retry_at) == ("deferred", NOON + timedelta(minutes=5))
    busy = failed(delivery(1000, age=days), Retry("busy"), NOON)
    assert busy.state == "deferred"  # the tries of a channel that was down are not counted


def test_after_five_days_it_is_given_up() -> None:
    settled = failed(delivery(250, age=timedelta(days=6)), Retry("busy"), NOON)
    assert settled.state == "failed"
    assert settled.error == "given up after 250 tries: busy"


def test_why_is_never_empty() -> None:
    assert all(
        failed(delivery(), kind(), NOON).error for kind in (Retry, Rejected, ChannelDown, InDoubt)
    )


async def test_what_is_queued_is_sent_once_and_told(desk: Desk) -> None:
    await fill(desk, 3)
    await deliver_all(desk)
    await deliver_all(desk)
    assert len(desk.wire.sent) == 3
    events = await desk.rows("SELECT type FROM v_events WHERE type = 'delivery.sent'")
    assert len(events) == 3
    assert {row["peer_id"] for row in await desk.rows("SELECT peer_id FROM outbox")} == {
        "peer-1", "peer-2", "peer-3",
    }  # fmt: skip


async def test_a_dead_address_is_not_written_to_again(desk: Desk) -> None:
    await desk.accept(mail())
    desk.wire.answers = [Rejected("no such user", "address_dead")]
    await deliver_all(desk, None, "failed")
    row = await desk.one("SELECT failing_since FROM identities")
    assert row["failing_since"]
    desk.clock.advance(days=3)
    later = await desk.accept(mail(subject="Another matter"))
    assert (await desk.decision(later.message))["reason"] == "mail to this address fails"


async def test_content_that_is_refused_leaves_the_address_alone(desk: Desk) -> None:
    await desk.accept(mail())
    desk.wire.answers = [Rejected("spam", "content")]
    await deliver_all(desk, None, "failed")
    assert (await desk.one("SELECT failing_since FROM identities"))["failing_since"] is None


async def test_a_deferred_delivery_waits_for_its_time(desk: Desk) -> None:
    await desk.accept(mail())
    desk.wire.answers = [Retry("busy", timedelta(minutes=10))]
    await deliver_all(desk, None, "deferred")
    claimed = await desk.store.settle_and_claim([], "mail", desk.clock, "us", MINUTE, 9)
    assert claimed == []
    desk.clock.advance(minutes=10)
    await deliver_all(desk)
    assert (await desk.one("SELECT attempts FROM outbox"))["attempts"] == 2


async def test_a_domain_that_puts_one_mail_off_is_not_asked_for_each(desk: Desk) -> None:
    """Those under way try; all others wait with them, new ones too, and other domains do not."""
    slow = UNDER_WAY + 15
    for n in range(slow):
        await desk.accept(mail(f"c{n}@slow.example"))
    desk.wire.answers = [Retry("451 4.7.1 later", whole_domain=True)] * slow
    task = asyncio.create_task(desk.deliver().run("mail"))

    async def have_tried() -> bool:
        return (await states(desk)).count("deferred") == UNDER_WAY

    await until(have_tried)
    desk.wire.answers.clear()
    await desk.accept(mail("new@slow.example"))
    await desk.accept(mail("yuki@example.jp"))

    async def others_left() -> bool:
        return "sent" in await states(desk)

    await until(others_left)
    await stop(task)
    assert [m.to[0].address for m in desk.wire.sent] == ["yuki@example.jp"]
    tried = "SELECT sum(attempts) AS n FROM outbox WHERE domain = 'slow.example'"
    assert (await desk.one(tried))["n"] == UNDER_WAY
    desk.clock.advance(minutes=6)
    await deliver_all(desk)
    assert len(desk.wire.sent) == slow + 2


def test_one_mail_s_long_wait_holds_up_its_domain_for_five_minutes_at_most() -> None:
    busy = Retry("451 4.7.1 later", timedelta(hours=2), whole_domain=True)
    settled = failed(delivery(9), busy, NOON)
    assert settled.retry_at == NOON + timedelta(hours=2)
    assert settled.domain_until == NOON + timedelta(minutes=5)
    assert failed(delivery(), Retry("452 4.2.2 full"), NOON).domain_until is None


async def test_what_our_rendering_falls_over_goes_as_it_is_and_holds_up_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def falls_over_one(message: Message, limits: Any) -> Any:
        if message.to[0].address.startswith("c0"):
            raise ValueError("a defect of ours")
        return render(message, limits)

    monkeypatch.setattr(module, "render", falls_over_one)
    await fill(desk, 2)
    await deliver_all(desk)
    assert len(desk.wire.sent) == 2


async def test_a_defect_of_ours_is_in_doubt_and_harms_no_neighbour(desk: Desk) -> None:
    await fill(desk, 2)
    desk.wire.answers = [ZeroDivisionError("ours")]
    await deliver_all(desk, None, "sent", "in_doubt")
    assert sorted(await states(desk)) == ["in_doubt", "sent"]


async def test_a_peer_that_never_answers_is_in_doubt(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEND_LIMIT", 0.01)
    desk.wire = Stuck()
    await desk.accept(mail())
    await deliver_all(desk, None, "in_doubt")
    assert desk.wire.sent == []


async def test_one_stuck_delivery_holds_up_no_other(desk: Desk) -> None:
    desk.wire = stuck = Stuck()
    deliver = desk.deliver()
    await fill(desk, 1)
    task = asyncio.create_task(deliver.run("mail"))
    async with asyncio.timeout(60):
        await stuck.given.get()
        await desk.accept(mail("later@example.org"))
        deliver.wake("mail")
        await stuck.given.get()
    stuck.let_go.set()
    await settled(desk, {"sent"})
    await stop(task)


async def test_a_stop_finishes_what_is_under_way(desk: Desk) -> None:
    desk.wire = stuck = Stuck()
    await fill(desk, 1)
    task = asyncio.create_task(desk.deliver().run("mail"))
    await stuck.given.get()
    task.cancel()
    stuck.let_go.set()
    with suppress(asyncio.CancelledError):
        await task
    assert await states(desk) == ["sent"]


async def test_a_stop_during_a_claim_leaves_no_row_untold(desk: Desk) -> None:
    await fill(desk, 3)
    reached, go_on = asyncio.Event(), asyncio.Event()
    claim = desk.store.settle_and_claim

    async def slow(*given: Any, **named: Any) -> list[Delivery]:
        reached.set()
        found = await claim(*given, **named)
        await go_on.wait()
        return found

    desk.store.settle_and_claim = slow  # type: ignore[method-assign]  # a slow store
    task = asyncio.create_task(desk.deliver().run("mail"))
    await reached.wait()
    task.cancel()
    go_on.set()
    with suppress(asyncio.CancelledError):
        await task
    assert "sending" not in await states(desk)
    assert len(desk.wire.sent) == 3


async def test_no_more_are_under_way_than_a_crash_may_leave_in_doubt(desk: Desk) -> None:
    class Full(Wire):
        under_way = most = 0

        async def send(self, message: Message, key: str) -> Sent:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await asyncio.sleep(0)
            self.under_way -= 1
            return await super().send(message, key)

    desk.wire = full = Full()
    await fill(desk, UNDER_WAY + 15)
    await deliver_all(desk)
    assert len(full.sent) == UNDER_WAY + 15
    assert full.most == UNDER_WAY
