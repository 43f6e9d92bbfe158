"""Whatever robots answer: little goes out, everything ends, and people notice nothing (R11)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.zoo.figures import Figures, figures
from tests.zoo.inhabitants import ZOO
from tests.zoo.world import World, house

MINUTE = timedelta(minutes=1)


async def day(world: World) -> Figures:
    await world.run()
    return await figures(world)


def promised(figures: Figures) -> None:
    assert figures.unauthenticated_day <= 1
    assert figures.authenticated_day <= 5
    assert figures.conversation_day <= 5
    assert figures.unauthenticated_hour <= 60


def test_the_zoo_has_forty_kinds_and_twelve_languages() -> None:
    assert len(ZOO) >= 40
    assert sum(" " in name for name in ZOO) >= 12


@pytest.mark.parametrize("vouched", [False, True], ids=["unauthenticated", "authenticated"])
@pytest.mark.parametrize("name", ZOO)
async def test_one_robot_goes_quiet(tmp_path: Path, name: str, vouched: bool) -> None:
    robot = ZOO[name](1, vouched)
    world = World({robot.domain: robot}, [house(tmp_path)])
    promised(await day(world))
    assert world.is_quiet


MIRRORS = ("NewFaces", "NewDomains", "SameWords", "Quoter", "ForwarderAsItself", "QuotingDesk")


@pytest.mark.parametrize("vouched", [False, True], ids=["unauthenticated", "authenticated"])
@pytest.mark.parametrize("name", MIRRORS)
async def test_a_mirror_with_a_new_address_each_time_gets_five_mails_at_most_l12(
    tmp_path: Path, name: str, vouched: bool
) -> None:
    robot = ZOO[name](1, vouched, unasked=0)
    world = World({robot.domain: robot}, [house(tmp_path)])
    await world.run()
    assert 1 <= len(world.said) <= 5
    assert world.is_quiet
