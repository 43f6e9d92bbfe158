"""A channel that sends nothing any more is told, and so is each message in doubt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.alarm import Alarm, Alarms
from gateway.watch.sending import Sending
from normalizer.message import Address, Message
from store.astray import DOWN
from store.outbox import Delivery, Settlement, State
from tests.making import NOON, Clock

ADMIN = "admin@corp.example"


class House:
    """One channel, a clock, and what was raised."""

    def __init__(self) -> None:
        self.raised: list[Alarm] = []
        self.clock = Clock()
        self.sending = Sending(Alarms(post=self.raised.append), self.clock, frozenset({ADMIN}))

    def ends(self, state: State, astray: str = "", to: str = "yuki@example.jp") -> None:
        content = Message(to=(Address("", to),))
        delivery = Delivery(1, 2, 3, "mail", True, 1, content, NOON)
        self.sending(
            delivery, Settlement(1, 2, 3, "mail", state, 1, error="said no", astray=astray)
        )

    def told(self) -> list[tuple[str, bool]]:
        return [(alarm.kind, alarm.cleared) for alarm in self.raised]


@pytest.fixture
def house() -> House:
    return House()


def test_a_peer_that_is_not_there_for_a_quarter_of_an_hour_is_told_once(house: House) -> None:
    for _ in range(20):
        house.ends("deferred", DOWN)
        house.clock.advance(minutes=5)
    assert house.told() == [("channel.sending", False)]
    assert house.raised[0].at - NOON == timedelta(minutes=15)
    assert house.raised[0].reason == "nothing has left since 2026-11-24 03:00:00Z: said no"


def test_it_is_not_told_before(house: House) -> None:
    for _ in range(15):
        house.ends("deferred", DOWN)
        house.clock.advance(seconds=59)
    assert house.told() == []


def test_the_next_that_leaves_ends_it(house: House) -> None:
    for _ in range(5):
        house.ends("deferred", DOWN)
        house.clock.advance(minutes=5)
    house.ends("sent")
    house.ends("sent")
    assert house.told() == [("channel.sending", False), ("channel.sending", True)]


def test_one_that_is_put_off_beside_others_that_leave_is_no_news(house: House) -> None:
    """Grey lists, and mailboxes that are full."""
    for _ in range(40):
        house.ends("deferred")
        house.clock.advance(minutes=10)
        house.ends("sent")
    assert house.told() == []


def test_a_peer_that_puts_everything_off_for_an_hour_is_told(house: House) -> None:
    for _ in range(13):
        house.ends("deferred")
        house.clock.advance(minutes=5)
    assert house.told() == [("channel.sending", False)]


def test_a_peer_that_refuses_everything_is_told_and_dead_addresses_are_not(house: House) -> None:
    for _ in range(30):
        house.ends("failed", "address_dead")
    assert house.told() == []
    for _ in range(10):
        house.ends("failed")
    assert house.told() == [("channel.sending", False)]


def test_doubt_is_told_once_an_hour_with_how_many_more(house: House) -> None:
    for _ in range(7):
        house.ends("in_doubt")
        house.clock.advance(minutes=10)
    assert [(one.kind, one.more) for one in house.raised] == [
        ("delivery.in_doubt", 0),
        ("delivery.in_doubt", 5),
    ]


@pytest.mark.parametrize("state", ["failed", "in_doubt"])
def test_that_a_letter_to_the_admin_fails_is_an_alarm_of_its_own(
    house: House, state: State
) -> None:
    """No mail is ever written because of it."""
    house.ends(state, to=ADMIN)
    assert house.told() == [("alarms.undelivered", False)]
