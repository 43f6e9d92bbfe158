"""A store that takes nothing is told after a while, and once more when it does again."""

from __future__ import annotations

from typing import cast

from gateway.alarm import Alarm, Alarms
from gateway.watch.room import Room
from store.store import Store
from tests.making import Clock


class Full:
    """A store that says what a test wants."""

    def __init__(self) -> None:
        self.takes, self.low = True, False

    def takes_mail(self) -> bool:
        return self.takes

    def low_on_disk(self) -> bool:
        return self.low


def seconds(room: Room, clock: Clock, count: int) -> None:
    for _ in range(count):
        room.look()
        clock.advance(seconds=1)


def test_a_full_disk_and_a_dead_database_are_told_once_each_and_their_ends_too() -> None:
    store, clock, raised = Full(), Clock(), list[Alarm]()
    room = Room(cast("Store", store), Alarms(post=raised.append), clock)
    for low in (True, False):
        store.takes, store.low = False, low
        seconds(room, clock, 60)
        store.takes = True
        seconds(room, clock, 60)
    assert [(one.reason, one.cleared) for one in raised] == [
        ("the disk is nearly full", False),
        ("the disk is nearly full", True),
        ("the database takes nothing", False),
        ("the database takes nothing", True),
    ]


def test_a_lock_of_some_seconds_is_no_news() -> None:
    store, clock, raised = Full(), Clock(), list[Alarm]()
    room = Room(cast("Store", store), Alarms(post=raised.append), clock)
    for _ in range(5):
        store.takes = False
        seconds(room, clock, 10)
        store.takes = True
        seconds(room, clock, 1)
    assert raised == []
