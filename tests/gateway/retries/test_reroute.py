"""An answer that cannot arrive goes by the customer's next way: once, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from channels.base import ChannelDown, DeliveryError, InDoubt, Rejected
from gateway import rules as made
from gateway.desk import acts
from gateway.desk.speak import Who
from gateway.desk.wanted import Reply
from gateway.notices.elsewhere import Elsewhere
from gateway.retries.reroute import Reroute
from gateway.team.calendars import quiet_until
from normalizer.message import Claim, Identity, Message
from store import shapes
from tests.making import CONFIG, KEYS, NOON, Desk, Wire, arrival, opened

TWO = (
    CONFIG
    + """
[[channel]]
name = "shop"
type = "http"
url = "http://127.0.0.1:1/hook"
secret = { file = "secret" }
[[channel]]
name = "club"
type = "http"
url = "http://127.0.0.1:1/hook"
secret = { file = "secret" }
"""
)
SHOP, CLUB = Identity("http-shop", "u-17"), Identity("http-club", "c-1")
MAIL = Identity("email", "yuki@example.jp")


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", encoding="utf-8")
    async with opened(tmp_path, TWO) as desk:
        yield desk


async def wrote(desk: Desk, who: Identity, *, known: bool = True, channel: str = "") -> int:
    """Somebody writes; the case."""
    desk.clock.advance(minutes=1)
    content = Message(
        claims=(Claim("platform", who, ""),), text="help", fingerprint=f"{who} {desk.clock()}"
    )
    said = arrival(
        content, author=who.address, known=known, gap=timedelta(days=1),
        received_at=desk.clock(), budget=(str(who), who.kind),
        channel=channel or {"email": "mail"}.get(who.kind, who.kind.removeprefix("http-")),
    )  # fmt: skip
    author = said.author._replace(identity=who)
    got = await desk.store.commit_inbound(replace(said, author=author))
    row = await desk.one("SELECT case_id FROM messages WHERE id = :id", id=got.message)
    return int(row["case_id"])


async def join(desk: Desk, case: int, but: int = 0) -> None:
    """Everybody is the customer of this case, except for one."""
    for table in ("identities", "messages"):
        await desk.change(
            f"UPDATE {table} SET customer_id = (SELECT customer_id FROM cases WHERE id = :case)"
            " WHERE customer_id <> :but", case=case, but=but,
        )  # fmt: skip
    await desk.change(
        "UPDATE messages SET conversation_id ="
        " (SELECT id FROM conversations c WHERE c.customer_id = messages.customer_id)"
    )


async def one_customer(desk: Desk, *others: Identity, known: bool = True) -> int:
    """Somebody who wrote by each of these, and last by the shop; the case there."""
    for other in others:
        await wrote(desk, other, known=known)
    case = await wrote(desk, SHOP)
    await join(desk, case)
    await desk.change("UPDATE outbox SET state = 'sent'")
    return case


async def answer(desk: Desk, case: int, text: str = "Here is how.") -> int:
    act = acts.reply(made.desk(desk.config, KEYS), case, Reply(text=text), (),
                     Who("Aiko", "desk", desk.clock()))  # fmt: skip
    queued = await desk.store.change(act)
    assert isinstance(queued, shapes.Queued)
    return queued.id


async def deliver(desk: Desk, *answers: DeliveryError, channel: str = "shop") -> Wire:
    """One try of all that is due on a channel."""
    wire = Wire(channel)
    wire.answers = list(answers)
    by = desk.deliver(channels={channel: wire}, owner=channel)
    sending: set[Any] = set()
    settled: list[Any] = []
    await by._claim(channel, sending, settled)
    settled += [await one for one in list(sending)]
    sending.clear()
    await by._claim(channel, sending, settled)
    return wire


def reroute(desk: Desk, **more: Any) -> Reroute:
    facts: dict[str, Any] = {
        "channels": {}, "speaks": frozenset({"mail", "shop", "club"}), "clock": desk.clock,
        "wake": desk.woken.append, "after": timedelta(hours=1), "paid": False,
        "failpoint": lambda _: None,
    }  # fmt: skip
    quiet = partial(quiet_until, desk.config.calendar.quiet, ZoneInfo("Asia/Tokyo"))
    elsewhere = Elsewhere(made.announcing(desk.config, KEYS), quiet)
    return Reroute(
        desk.store, made.desk(desk.config, KEYS), made.firing(desk.config, KEYS), elsewhere,
        **facts | more,
    )  # fmt: skip


async def instead(desk: Desk) -> list[dict[str, Any]]:
    return await desk.rows(
        "SELECT channel, recipients, text, instead_of FROM messages WHERE instead_of IS NOT NULL"
        " ORDER BY id"
    )


CLOSED = {
    "blocked": Rejected("blocked", "address_dead"),
    "the month is used up": Rejected("monthly limit", "window"),
}


@pytest.mark.parametrize("error", CLOSED.values(), ids=CLOSED)
async def test_it_goes_by_the_next_way_and_the_event_says_so(
    two: Desk, error: DeliveryError
) -> None:
    case = await one_customer(two, CLUB, MAIL)
    lost = await answer(two, case)
    await deliver(two, error)
    await reroute(two).look()
    (row,) = await instead(two)
    assert (row["channel"], row["text"], row["instead_of"]) == ("mail", "Here is how.", lost)
    assert json.loads(row["recipients"]) == {"to": [["", "yuki@example.jp"]], "cc": []}
    event = await two.one("SELECT data FROM events WHERE type = 'delivery.rerouted'")
    told = json.loads(event["data"])
    assert (told["message_id"], told["channel"], told["to"]) == (lost, "shop", "mail")
    assert told["why"] == getattr(error, "reason", "")
    wire = await deliver(two, channel="mail")
    assert [one.text for one in wire.sent] == ["Here is how."]
    assert wire.sent[0].subject, "a letter has a subject"


async def test_it_is_never_sent_twice(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    await answer(two, case)
    await deliver(two, Rejected("blocked", "address_dead"))
    for _ in range(3):
        await reroute(two).look()
    await two.change("UPDATE outbox SET astray = 'address_dead' WHERE state = 'failed'")
    await reroute(two).look()
    assert len(await instead(two)) == 1


async def test_a_chain_goes_on_and_never_back(two: Desk) -> None:
    case = await one_customer(two, CLUB, MAIL)
    first = await answer(two, case)
    await deliver(two, Rejected("blocked", "window"))
    await reroute(two).look()
    await deliver(two, Rejected("closed", "window"), channel="mail")
    await reroute(two).look()
    await deliver(two, Rejected("closed", "window"), channel="club")
    await reroute(two).look()
    second, third = await instead(two)
    assert (second["channel"], third["channel"]) == ("mail", "club")
    assert second["instead_of"] == first
    assert await two.rows("SELECT 1 FROM outbox WHERE astray <> ''") == []


STAYS: dict[str, DeliveryError] = {
    "content is refused everywhere": Rejected("too long", "content"),
    "doubt": InDoubt("broke"),
    "for a moment": ChannelDown("no route"),
}


@pytest.mark.parametrize("error", STAYS.values(), ids=STAYS)
async def test_otherwise_it_stays(two: Desk, error: DeliveryError) -> None:
    case = await one_customer(two, MAIL)
    await answer(two, case)
    await deliver(two, error)
    await reroute(two).look()
    assert await instead(two) == []


async def test_what_was_in_doubt_once_is_never_said_elsewhere(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    await answer(two, case)
    await deliver(two, InDoubt("broke"))
    two.clock.advance(hours=1)
    await deliver(two, Rejected("blocked", "address_dead"))
    await reroute(two).look()
    assert await instead(two) == []


async def test_what_was_being_sent_at_a_crash_is_never_said_elsewhere(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    await answer(two, case)
    await two.change(
        "UPDATE outbox SET state = 'sending', lease_owner = 'dead' WHERE NOT automatic"
    )
    await two.store.recover(two.clock(), "dead")
    await deliver(two, Rejected("blocked", "address_dead"))
    await reroute(two).look()
    assert await instead(two) == []


async def test_a_channel_that_is_down_for_long_is_left(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    lost = await answer(two, case)
    await deliver(two, ChannelDown("no route"))
    two.clock.advance(minutes=61)
    await reroute(two).look()
    assert [row["channel"] for row in await instead(two)] == ["mail"]
    row = await two.one("SELECT state, error FROM outbox WHERE message_id = :id", id=lost)
    assert row == {"state": "failed", "error": "shop is down; sent by mail"}
    assert (await deliver(two)).sent == [], "when it is back, it says nothing twice"


async def test_without_another_way_it_waits_for_its_own(two: Desk) -> None:
    case = await one_customer(two)
    await answer(two, case)
    await deliver(two, ChannelDown("no route"))
    two.clock.advance(hours=2)
    await reroute(two).look()
    assert [one.text for one in (await deliver(two)).sent] == ["Here is how."]


async def test_an_acknowledgement_is_never_sent_elsewhere(two: Desk) -> None:
    await one_customer(two, MAIL)
    await two.change("UPDATE outbox SET state = 'queued' WHERE channel = 'shop'")
    await deliver(two, Rejected("blocked", "address_dead"))
    await reroute(two).look()
    assert await instead(two) == []


async def test_only_the_same_customer_surely_and_alive(two: Desk) -> None:
    """Not somebody else, nor an address that only claims to be theirs or that fails."""
    await wrote(two, Identity("email", "hana@example.jp"))
    stranger = await two.one("SELECT customer_id FROM identities")
    case = await wrote(two, SHOP)
    await wrote(two, MAIL, known=False)
    await wrote(two, CLUB)
    await join(two, case, but=stranger["customer_id"])
    await two.change("UPDATE identities SET failing_since = 'x' WHERE address = 'http-club:c-1'")
    await two.change("UPDATE outbox SET state = 'sent'")
    await answer(two, case)
    await deliver(two, Rejected("blocked", "address_dead"))
    await reroute(two).look()
    assert await instead(two) == []


async def test_a_channel_that_is_only_watched_says_nothing(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    await answer(two, case)
    await deliver(two, Rejected("blocked", "address_dead"))
    await reroute(two, speaks=frozenset({"shop"})).look()
    assert await instead(two) == []


async def test_windows_prices_and_months_are_kept(two: Desk) -> None:
    case = await one_customer(two, CLUB)
    way = reroute(two)
    settings = way.desk.channels["club"]
    heard = two.clock() - timedelta(hours=25)

    class Limited(type(settings)):  # type: ignore[misc]  # whichever class it has
        @property
        def limits(self) -> Any:
            return super().limits._replace(window=timedelta(hours=24), cost="paid")

    limited = Limited(**settings.model_dump())
    assert case
    assert way._is_allowed(settings, heard)
    assert not way._is_allowed(limited, heard)
    assert not way._is_allowed(limited, two.clock())
    assert reroute(two, paid=True)._is_allowed(limited, two.clock())

    class Full(Wire):
        month = (200, 200)

    assert not reroute(two, channels={"club": Full("club")})._is_allowed(settings, heard)


async def test_another_address_on_the_same_channel_is_a_way_when_one_is_dead(two: Desk) -> None:
    other = Identity("email", "yuki@work.example")
    await wrote(two, other)
    case = await wrote(two, MAIL)
    await join(two, case)
    await two.change("UPDATE outbox SET state = 'sent'")
    await answer(two, case)
    await deliver(two, Rejected("no such user", "address_dead"), channel="mail")
    await reroute(two).look()
    assert [json.loads(row["recipients"])["to"][0][1] for row in await instead(two)] == [
        "yuki@work.example"
    ]


async def test_a_mail_to_several_stays_where_it_is(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    lost = await answer(two, case)
    both = json.dumps({"to": [["", "u-17"], ["", "boss"]], "cc": []})
    await two.change("UPDATE messages SET recipients = :r WHERE id = :id", r=both, id=lost)
    await deliver(two, Rejected("blocked", "address_dead"))
    await reroute(two).look()
    assert await instead(two) == []


async def test_an_old_failure_is_left_alone(two: Desk) -> None:
    case = await one_customer(two, MAIL)
    await answer(two, case)
    await deliver(two, Rejected("blocked", "address_dead"))
    two.clock.at = NOON + timedelta(days=30)
    await reroute(two).look()
    assert await instead(two) == []


NUDGE = """
[[follow_up]]
name = "nudge"
when = "pending"
after = "1 hour"
send = "nudge"
"""


@pytest.fixture
async def nudging(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", encoding="utf-8")
    async with opened(tmp_path, TWO + NUDGE) as desk:
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
    (tmp_path / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", encoding="utf-8")
    async with opened(tmp_path, f'{TWO}[promise]\nnotice = "15 minutes"\n') as desk:
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
