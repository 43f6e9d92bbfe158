"""Desks among themselves: two gateways, two channels of one, our own mail by every way back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.making import CONFIG, DESK, NOON
from tests.zoo.inhabitants import ZOO
from tests.zoo.people import Person
from tests.zoo.world import Heard, Post, World, house, letter

THERE = "help@there.example"
OTHER = CONFIG.replace('"support@example.com", "sales@example.com"', f'"{THERE}"')
TWO_CHANNELS = f"""{CONFIG}
[[channel]]
name = "billing"
type = "smtp"
listen = "127.0.0.1:2526"
addresses = ["billing@example.com"]
send = "maildir:sent-billing"
trusted_relays = ["192.0.2.7"]
"""


class Signed:
    """Writes to one desk in the name of the other, and both believe it."""

    domain = "there.example"

    def __init__(self, times: int) -> None:
        self.times = times

    def begins(self) -> Iterable[Post]:
        for n in range(self.times):
            raw = letter(THERE, f"Question {n}", "Who are you?", vouched=True)
            yield Post(raw, THERE, timedelta(hours=n))

    def hears(self, heard: Heard) -> Iterable[Post]:
        raise AssertionError(heard)


async def test_two_gateways_say_two_mails_at_most_l13(tmp_path: Path) -> None:
    """One mail of the one desk to the other: an acknowledgement, which is not acknowledged."""
    houses = [house(tmp_path / "here"), house(tmp_path / "there", "there", OTHER)]
    world = World({"there.example": Signed(1)}, houses)
    await world.run()
    assert [heard.to for heard in world.said] == [THERE]
    assert world.is_quiet
    assert len(world.came) == 2


async def test_two_gateways_through_a_relay_that_strips_headers_stay_within_five_a_day_l13(
    tmp_path: Path,
) -> None:
    houses = [house(tmp_path / "here"), house(tmp_path / "there", "there", OTHER)]
    world = World({"there.example": Signed(1)}, houses, strip=True)
    await world.run()
    assert world.is_quiet
    assert len(world.said) <= 2


async def test_our_own_channels_never_acknowledge_each_other_l10(tmp_path: Path) -> None:
    """A person's mail that goes to both is one message; what one channel says, the other knows."""
    person = Person(1, vouched=True)
    world = World({person.domain: person}, [house(tmp_path, text=TWO_CHANNELS)])
    ours = letter(DESK, "From one to the other", "Please have a look.", To="billing@example.com")
    both = letter("Yuki <yuki@person1.example>", "For both", "Hello.", vouched=True)
    world.send(Post(ours, DESK, to="billing@example.com"))
    world.send(Post(both, "yuki@person1.example"))
    world.send(Post(both, "yuki@person1.example", timedelta(minutes=1), "billing@example.com"))
    await world.run()
    assert [heard.subject for heard in person.heard] == ["Re: For both", "Re: Where is my parcel?"]
    assert world.is_quiet


RETURNS = ("Forwarder", "Resender", "Alias", "KeepingList")


@pytest.mark.parametrize("name", RETURNS)
async def test_our_mail_that_comes_back_is_stored_once_and_not_acknowledged_l10_l11(
    tmp_path: Path, name: str
) -> None:
    robot = ZOO[name](1, vouched=True, unasked=0)
    home = house(tmp_path)
    world = World({robot.domain: robot}, [home])
    await world.run()
    assert len(world.said) == 1
    await home.open(NOON)
    back = await home.desk.rows(
        "SELECT m.id, m.decisions FROM messages m WHERE m.direction = 'in' ORDER BY id"
    )
    await home.close()
    assert len(back) == 2  # the first mail, and ours
    assert '"silence"' in back[1]["decisions"]
