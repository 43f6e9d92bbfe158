"""Whatever robots answer: little goes out, everything ends, and people notice nothing (R11)."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.zoo.beings import Being
from tests.zoo.figures import Figures, figures
from tests.zoo.inhabitants import ZOO
from tests.zoo.people import Person
from tests.zoo.world import HOUR, World, around, house

EXAMPLES = int(os.environ.get("ZOO_EXAMPLES", "20"))  # more of them are others each time
# Slow, these two stay below every budget for ever: to us, an eager customer and a busy company.
HASTY = ("SpamBot", "TerseDesk")


async def day(world: World) -> Figures:
    await world.run()
    return await figures(world)


def promised(figures: Figures) -> None:
    assert figures.unauthenticated_day <= 1
    assert figures.authenticated_day <= 5
    assert figures.conversation_day <= 5
    assert figures.unauthenticated_hour <= 60


def answered(people: list[Person]) -> None:
    """Each one wrote about one matter, and each has its acknowledgement, once."""
    assert [len(person.heard) for person in people] == [1] * len(people)


def crowd(count: int) -> list[Person]:
    """People at all hours of the day, every other one authenticated."""
    hours = [timedelta(hours=n * 24 / count) for n in range(count)]
    return [Person(n, vouched=n % 2 == 0, at=at) for n, at in enumerate(hours)]


def test_the_zoo_has_forty_kinds_and_twelve_languages() -> None:
    assert len(ZOO) >= 40
    assert sum(" " in name for name in ZOO) >= 12


@pytest.mark.parametrize("vouched", [False, True], ids=["unauthenticated", "authenticated"])
@pytest.mark.parametrize("name", ZOO)
async def test_one_robot_goes_quiet(tmp_path: Path, name: str, vouched: bool) -> None:
    robot = ZOO[name](1, vouched)
    world = World(around(robot), [house(tmp_path)])
    promised(await day(world))
    assert world.is_quiet


MIRRORS = ("NewFaces", "NewDomains", "SameWords", "Quoter", "ForwarderAsItself", "QuotingDesk")


@pytest.mark.parametrize("vouched", [False, True], ids=["unauthenticated", "authenticated"])
@pytest.mark.parametrize("name", MIRRORS)
async def test_a_mirror_with_a_new_address_each_time_gets_five_mails_at_most_l12(
    tmp_path: Path, name: str, vouched: bool
) -> None:
    robot = ZOO[name](1, vouched, unasked=0)
    world = World(around(robot), [house(tmp_path)])
    await world.run()
    assert 1 <= len(world.said) <= 5
    assert world.is_quiet


async def test_all_of_them_at_once_for_a_day(tmp_path: Path) -> None:
    """Forty robots and more, half of them authenticated, people among them, three restarts."""
    robots = [make(n, vouched=n % 2 == 1) for n, make in enumerate(ZOO.values())]
    people = crowd(24)
    restarts = tuple(hours * HOUR for hours in (3, 9, 15))
    world = World(around(*robots, *people), [house(tmp_path)], restarts)
    promised(await day(world))
    answered(people)
    assert world.is_quiet


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Being], list[Person], tuple[timedelta, ...]]:
    """Some robots, fast and slow, some people, and a daemon that is started again now and then."""
    names = draw(st.lists(st.sampled_from(sorted(ZOO)), min_size=1, max_size=8))
    robots = [
        ZOO[name](
            n,
            vouched=draw(st.booleans()),
            slowness=draw(
                st.sampled_from((0.05, 1.0) if name in HASTY else (0.05, 1.0, 10.0, 100.0))
            ),
            unasked=draw(st.integers(0, 4)),
        )
        for n, name in enumerate(names)
    ]
    hours = st.floats(0, 24).map(lambda hours: hours * HOUR)
    restarts = tuple(draw(st.lists(hours, max_size=4)))
    people = [
        Person(n, draw(st.booleans()), at) for n, at in enumerate(draw(st.lists(hours, max_size=5)))
    ]
    return robots, people, restarts


@settings(
    max_examples=EXAMPLES,
    derandomize="ZOO_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(worlds())
def test_any_mix_of_them_goes_quiet_and_leaves_people_alone(
    drawn: tuple[list[Being], list[Person], tuple[timedelta, ...]],
) -> None:
    robots, people, restarts = drawn
    with TemporaryDirectory() as folder:
        world = World(around(*robots, *people), [house(Path(folder))], restarts)
        promised(asyncio.run(day(world)))
    answered(people)
    assert world.is_quiet
