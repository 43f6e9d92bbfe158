"""Draw a day in the zoo: what came in each hour, and what we said. `python -m tests.zoo.picture`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway import log
from tests.bench.chart import COLOURS, STYLE
from tests.making import NOON
from tests.zoo.figures import Figures, figures
from tests.zoo.inhabitants import ZOO
from tests.zoo.people import Person
from tests.zoo.world import HOUR, World, around, house

HOURS, PEOPLE = 25, 24
_WIDTH, _LEFT, _COLUMN, _TALL, _AXIS = 860, 24, 32, 150, 232


def zoo() -> tuple[World, int]:
    """All robots, every other one authenticated, each writing four times by itself; and people."""
    robots = [make(n, vouched=n % 2 == 1) for n, make in enumerate(ZOO.values())]
    hours = [timedelta(minutes=20) + n * HOUR for n in range(PEOPLE)]
    people = [Person(n, vouched=n % 2 == 0, at=at) for n, at in enumerate(hours)]
    restarts = tuple(hours * HOUR for hours in (3, 9, 15))
    return World(around(*robots, *people), [], restarts), len(robots)


async def spend(world: World, folder: Path) -> Figures:
    """Let the day pass."""
    world.houses.append(house(folder))
    await world.run()
    return await figures(world)


def by_hour(world: World) -> tuple[list[int], list[int]]:
    """How many mails came and went in each hour."""
    came, said = [0] * HOURS, [0] * HOURS
    for counts, times in ((came, world.came), (said, [heard.at for heard in world.said])):
        for at in times:
            counts[min((at - NOON) // HOUR, HOURS - 1)] += 1
    return came, said


def svg(robots: int, found: Figures, came: Sequence[int], said: Sequence[int]) -> str:
    """Columns upwards for what came, downwards for what we said, on one scale."""
    scale = _TALL / max(*came, *said, 1)
    body = [
        _text(_LEFT, 26, f"A day in the zoo: {robots} robots, {PEOPLE} people, one desk", "head"),
        _text(_LEFT, 48, f"{found.mails:,} mails came …"),
        _text(_LEFT, _AXIS + 84, f"… and {found.said:,} acknowledgements went, of these one to each of the people"),
        _text(_LEFT, _AXIS + 106, _worst(found), "note"),
    ]  # fmt: skip
    for hour, (up, down) in enumerate(zip(came, said, strict=True)):
        x = _LEFT + hour * _COLUMN
        body.append(_bar(x, _AXIS - up * scale, up * scale, COLOURS[0]))
        body.append(_bar(x, _AXIS + 1, down * scale, COLOURS[1]))
        body.append(_text(x + _COLUMN / 2 - 2, _AXIS - up * scale - 5, f"{up}", "note", "middle"))
        below = _AXIS + down * scale + 15
        body.append(_text(x + _COLUMN / 2 - 2, below, f"{down}", "note", "middle"))
    frame = (
        f'viewBox="0 0 {_WIDTH} {_AXIS + 122}" width="{_WIDTH}" height="{_AXIS + 122}" role="img"'
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {frame} aria-label="A day in the zoo">'
    return "\n".join([head, STYLE, *body, "</svg>", ""])


def _worst(found: Figures) -> str:
    return (
        f"At most {found.unauthenticated_day} a day to one unauthenticated sender, "
        f"{found.authenticated_day} to an authenticated one, {found.conversation_day} in one "
        f"conversation; {found.unauthenticated_hour} an hour to all unauthenticated senders."
    )


def _bar(x: float, y: float, height: float, colour: str) -> str:
    size = f'width="{_COLUMN - 4}" height="{height:.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} rx="2" fill="{colour}"/>'


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{words}</text>'


def main() -> None:
    log.configure("json", quiet=True)
    world, robots = zoo()
    with TemporaryDirectory() as folder:
        found = asyncio.run(spend(world, Path(folder)))
    sys.stdout.write(svg(robots, found, *by_hour(world)))


if __name__ == "__main__":
    main()
