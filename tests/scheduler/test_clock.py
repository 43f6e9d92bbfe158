"""The clock loop on real rows: punctual, late, in a mass, twice at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from scheduler.clock import Clock
from scheduler.duration import Duration
from scheduler.rules import Rule
from store import due, rows
from store.bulk import insert
from store.due import Due, End
from store.engine import StoreUnavailable
from store.known import Changes
from store.rows import instant
from store.store import Store
from tests.making import NOON, Desk, mail, until

HOUR = timedelta(hours=1)
NUDGE = Rule("nudge", "new", Duration.parse("1 hour"), send="nudge")
TELL = Rule("tell", "new", Duration.parse("1 hour"), notify=("a@example.com",))
SKIP = Rule("skip", "new", Duration.parse("1 hour"), send="nudge", missed="skip")

FIRST = Rule("first", "new", Duration.parse("1 hour"), send="nudge", missed="at_once")


@dataclass
class Times:
    """A clock loop on a desk's store, with what it fired and what it told."""

    desk: Desk
    rules: tuple[Rule, ...] = (NUDGE, TELL, SKIP, FIRST)
    fired: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def clock(self) -> Clock:
        return Clock(
            self.desk.store, self.rules, self.fire, self.desk.clock, lambda: None,
            lambda kind, _: self.told.append(kind),
        )  # fmt: skip

    def fire(
        self, connection: Connection, changes: Changes, due_rows: Sequence[Due], now: datetime
    ) -> None:
        self.fired += [row.rule for row in due_rows]
        due.end(connection, [End(row.id, "fired", "") for row in due_rows], now)

    async def add(self, rule: str, late: timedelta, count: int = 1) -> None:
        """Rows of a rule that have been due for so long."""
        await self.desk.accept(mail())
        case = await self.desk.rows("SELECT id, conversation_id FROM cases LIMIT 1")

        def work(connection: Connection, changes: Any) -> None:
            insert(connection, [
                rows.FollowUp(
                    id=(id_ := changes.new_id()), case_id=case[0]["id"],
                    conversation_id=case[0]["conversation_id"], rule=rule, cause=str(id_),
                    state="pending", due_at=instant(NOON - late), settled_at=None, reason="",
                )
                for _ in range(count)
            ])  # fmt: skip

        await self.desk.store.write(work)

    async def states(self) -> dict[str, int]:
        found = await self.desk.rows("SELECT state, count(*) AS n FROM follow_ups GROUP BY state")
        return {row["state"]: row["n"] for row in found}


@pytest.fixture
def times(desk: Desk) -> Times:
    return Times(desk)


async def test_a_row_fires_when_it_is_due_and_once(times: Times) -> None:
    await times.add("nudge", -HOUR)
    clock = times.clock()
    assert await clock.look() == 0
    times.desk.clock.advance(hours=1)
    assert [await clock.look(), await clock.look()] == [1, 0]
    times.desk.clock.advance(hours=-1)  # T02: the clock is set back
    assert await clock.look() == 0
    assert times.fired == ["nudge"]


async def test_what_came_due_while_we_were_down_fires_at_the_start_t05(times: Times) -> None:
    await times.add("nudge", timedelta(days=30), 100)
    assert await times.clock().look() == 100
    assert not times.told


async def test_a_mass_of_missed_ones_goes_out_one_a_look_and_is_told(times: Times) -> None:
    await times.add("nudge", 2 * HOUR, 103)
    await times.add("tell", 2 * HOUR, 103)
    await times.add("nudge", timedelta(), 3)
    clock = times.clock()
    # Punctual rows and what only we see are not held up.
    assert await clock.look() == 3 + 103 + 1
    assert await clock.look() == 0  # within the same second
    looks = []
    for _ in range(103):
        times.desk.clock.advance(seconds=1)
        looks.append(await clock.look())
    assert looks == 102 * [1] + [0]
    assert times.told == ["follow_ups.missed"]


async def test_customers_get_no_mass_by_whatever_rule(times: Times) -> None:
    await times.add("nudge", 3 * HOUR, 60)
    await times.add("first", 2 * HOUR, 60)
    clock = times.clock()
    for _ in range(120):
        assert await clock.look() == 1
        times.desk.clock.advance(seconds=1)
    assert times.fired == 60 * ["first"] + 60 * ["nudge"]
    assert times.told == ["follow_ups.missed"]


async def test_few_missed_ones_go_out_at_once(times: Times) -> None:
    await times.add("nudge", 2 * HOUR, 50)
    await times.add("first", 2 * HOUR, 50)
    assert await times.clock().look() == 100


async def test_several_processes_let_out_a_mass_no_faster_than_one(times: Times) -> None:
    await times.add("nudge", 2 * HOUR, 103)
    clocks = [times.clock() for _ in range(4)]
    for _ in range(10):
        times.desk.clock.advance(seconds=1)
        await asyncio.gather(*(clock.look() for clock in clocks))
    assert len(times.fired) == 10


async def test_a_rule_may_say_that_late_is_never(times: Times) -> None:
    await times.add("skip", 2 * HOUR, 300)
    await times.add("skip", timedelta())
    await times.clock().look()
    assert times.fired == ["skip"]
    assert await times.states() == {"missed": 300, "fired": 1}


async def test_a_year_forward_and_back_is_no_mass_and_no_double(times: Times) -> None:
    await times.add("nudge", -24 * HOUR, 500)
    clock = times.clock()
    times.desk.clock.advance(days=365)
    for _ in range(10):
        times.desk.clock.advance(seconds=1)
        assert await clock.look() == 1
    times.desk.clock.advance(days=-365)
    assert await clock.look() == 0
    times.desk.clock.advance(days=1)
    assert await clock.look() == 490
    assert len(times.fired) == 500


async def test_two_clocks_on_one_store_fire_each_row_once(times: Times) -> None:
    await times.add("nudge", timedelta(), 1000)
    await asyncio.gather(*(times.clock().look() for _ in range(4)))
    assert len(times.fired) == 1000
    assert await times.states() == {"fired": 1000}


async def test_rows_of_a_rule_that_is_gone_are_cancelled_at_the_start(times: Times) -> None:
    await times.add("of last year", timedelta())
    times.rules = (NUDGE,)
    running = asyncio.create_task(times.clock().run())

    async def cancelled() -> bool:
        return await times.states() == {"cancelled": 1}

    await until(cancelled)
    running.cancel()
    assert not times.fired


async def test_a_store_that_is_away_is_waited_for(
    times: Times, monkeypatch: pytest.MonkeyPatch
) -> None:
    await times.add("nudge", timedelta())

    async def away(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(Store, "read", away)
        assert await times.clock().look() == 0
    assert await times.clock().look() == 1


async def test_it_ticks_by_itself(times: Times) -> None:
    running = asyncio.create_task(times.clock().run())
    await times.add("nudge", timedelta())

    async def fired() -> bool:
        return times.fired == ["nudge"]

    await until(fired)
    running.cancel()
